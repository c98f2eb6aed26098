// tool: how a command starts a program with libashlar.so preloaded.
#include "tool/launch.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "tool/error.h"
#include "tool/printable.h"
#include "tool/program.h"

namespace ashlar::tool {

namespace {

// Returns the library in the folder above the command's (a build tree), or in the library folder of the same prefix (an
// installation). The name with a version is tried as well: only development packages have the one without, for linking.
std::string find_library(const std::string& command) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) throw Failure(Exit::kLibrary, command + ": cannot read /proc/self/exe: " + error.message());
  const std::filesystem::path folder = self.parent_path();
  for (const char* place : {"..", ASHLAR_LIBDIR_FROM_BINDIR, "../lib", "../lib64"}) {
    for (const char* name : {"libashlar.so", ASHLAR_SONAME}) {
      const std::filesystem::path candidate = (folder / place / name).lexically_normal();
      if (access(candidate.c_str(), R_OK) == 0) return candidate;
    }
  }
  throw Failure(Exit::kLibrary, fmt::format("{}: no libashlar.so in the lib folder beside {}; name one with --library",
                                            command, folder.string()));
}

// As execvpe(3) and env(1) do: 127 is for a program that is not there, and 126 for what is there and is none.
[[noreturn]] void fail_to_find(const std::string& command, const std::string& name) {
  struct stat its {};
  const bool is_path = name.find('/') != std::string::npos || name == "." || name == "..";
  const bool is_there = is_path && stat(name.c_str(), &its) == 0;
  const int error = !is_path ? ENOENT : !is_there ? errno : S_ISDIR(its.st_mode) ? EISDIR : EACCES;
  if (error == ENOENT)
    throw Failure(Exit::kNotFound, fmt::format("{}: {}: no such program", command, name.empty() ? "\"\"" : name));
  throw Failure(Exit::kNotExecutable, fmt::format("{}: {}: {}", command, name, std::strerror(error)));
}

}  // namespace

std::string check_library(const std::string& command, const std::string& given) {
  std::error_code error;
  std::string library = given.empty() ? find_library(command) : std::filesystem::absolute(given, error).string();
  if (access(library.c_str(), R_OK) != 0)
    throw Failure(Exit::kLibrary, fmt::format("{}: {}: {}", command, library, std::strerror(errno)));
  if (!is_library(library))
    throw Failure(Exit::kLibrary, fmt::format("{}: {}: it is not a 64-bit shared library", command, library));
  if (library.find_first_of(": ") != std::string::npos)
    throw Failure(Exit::kLibrary,
                  fmt::format("{}: LD_PRELOAD cannot name a path with a space or a colon: {}", command, library));
  return library;
}

void check_folder(const std::string& command, const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string() + "/";  // the slash refuses a file
  if (access(folder.c_str(), W_OK | X_OK) != 0)
    throw Failure(Exit::kFailed, fmt::format("{}: {}: {}", command, path, std::strerror(errno)));
}

Launch::Launch(std::string command, const std::string& library, std::vector<std::string> words)
    : command_(std::move(command)), library_(check_library(command_, library)), words_(std::move(words)) {
  const std::optional<std::string> program = find_program(words_[0]);
  if (!program) fail_to_find(command_, words_[0]);
  program_ = *program;
  const std::string why = why_not_preloaded(program_);
  if (why.empty()) return;
  const std::string line = printable(program_ + " " + why);
  std::fprintf(stderr, "ashlar: %s: %s: it will not use Ashlar\n", command_.c_str(), line.c_str());
}

// Values that are set already are kept. Other libraries follow Ashlar's. Other options precede the new ones, as the
// last setting of an option wins.
void Launch::set_environment(const std::string& options) const {
  const char* const preload = std::getenv("LD_PRELOAD");
  const std::string both = preload != nullptr && *preload != '\0' ? library_ + ":" + preload : library_;
  setenv("LD_PRELOAD", both.c_str(), 1);
  if (options.empty()) return;
  const char* const before = std::getenv("ASHLAR_OPTIONS");
  const std::string all = before != nullptr && *before != '\0' ? std::string(before) + "," + options : options;
  setenv("ASHLAR_OPTIONS", all.c_str(), 1);
}

void Launch::become() const {
  std::vector<char*> argv;
  argv.reserve(words_.size() + 1);
  for (const std::string& word : words_) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  execvp(words_[0].c_str(), argv.data());
  if (errno == ENOENT)
    throw Failure(Exit::kNotExecutable, fmt::format("{}: {}: its interpreter does not exist", command_, program_));
  throw Failure(Exit::kNotExecutable, fmt::format("{}: {}: {}", command_, program_, std::strerror(errno)));
}

}  // namespace ashlar::tool
