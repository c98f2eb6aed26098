// tool: `ashlar run`: becomes a program with libashlar.so preloaded.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/error.h"
#include "tool/printable.h"
#include "tool/program.h"

namespace ashlar::tool {

namespace {

struct Settings {
  std::string options;
  std::string profile;  // the file that it writes
  std::string rate;
  std::string library;
  std::vector<std::string> words;  // the program and its arguments
};

// In the folder above the command's (a build tree), or where an installation of the same prefix has it. A package of
// the library alone may have no file without a version: that is for linking.
std::string find_library() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) throw Failure(Exit::kLibrary, "run: cannot read /proc/self/exe: " + error.message());
  const std::filesystem::path folder = self.parent_path();
  for (const char* place : {"..", ASHLAR_LIBDIR_FROM_BINDIR, "../lib", "../lib64"}) {
    for (const char* name : {"libashlar.so", ASHLAR_SONAME}) {
      const std::filesystem::path candidate = (folder / place / name).lexically_normal();
      if (access(candidate.c_str(), R_OK) == 0) return candidate;
    }
  }
  throw Failure(Exit::kLibrary, fmt::format("run: no libashlar.so in the lib folder beside {}; "
                                            "name one with --library",
                                            folder.string()));
}

std::string checked_library(const std::string& given) {
  std::error_code error;
  std::string library = given.empty() ? find_library() : std::filesystem::absolute(given, error).string();
  if (access(library.c_str(), R_OK) != 0)
    throw Failure(Exit::kLibrary, fmt::format("run: {}: {}", library, std::strerror(errno)));
  if (!is_library(library))
    throw Failure(Exit::kLibrary, fmt::format("run: {}: it is no shared library of 64 bits", library));
  if (library.find_first_of(": ") != std::string::npos)
    throw Failure(Exit::kLibrary,
                  fmt::format("run: LD_PRELOAD cannot name a path with a space or a colon: {}", library));
  return library;
}

// What is set already stays: other libraries behind ours, other options before the new ones, of which the last count.
void set_environment(const std::string& library, const std::string& options) {
  const char* const preload = std::getenv("LD_PRELOAD");
  const std::string both = preload != nullptr && *preload != '\0' ? library + ":" + preload : library;
  setenv("LD_PRELOAD", both.c_str(), 1);
  if (options.empty()) return;
  const char* const before = std::getenv("ASHLAR_OPTIONS");
  const std::string all = before != nullptr && *before != '\0' ? std::string(before) + "," + options : options;
  setenv("ASHLAR_OPTIONS", all.c_str(), 1);
}

// As the options of the library take them. The program may change its folder, so the file's path is made absolute.
std::string options_of(const Settings& settings) {
  if (settings.profile.empty()) return settings.options;
  if (settings.profile.find(',') != std::string::npos)
    throw Failure(Exit::kUsage,
                  fmt::format("run: --profile: ASHLAR_OPTIONS cannot name a file with a comma: {}", settings.profile));
  std::error_code error;
  const std::string file = std::filesystem::absolute(settings.profile, error).string();
  const std::string before = settings.options.empty() ? "" : settings.options + ",";
  return before + "profile" + (settings.rate.empty() ? "" : "=" + settings.rate) + ",profile_file=" + file;
}

[[noreturn]] void become(const std::string& program, const std::vector<std::string>& words) {
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  execvp(words[0].c_str(), argv.data());
  if (errno == ENOENT) throw Failure(Exit::kNotExecutable, fmt::format("run: {}: its interpreter is missing", program));
  throw Failure(Exit::kNotExecutable, fmt::format("run: {}: {}", program, std::strerror(errno)));
}

int run(const Settings& settings) {
  const std::string library = checked_library(settings.library);
  const std::optional<std::string> program = find_program(settings.words[0]);
  if (!program) throw Failure(Exit::kNotFound, fmt::format("run: {}: no such program", settings.words[0]));
  const std::string why = why_not_preloaded(*program);
  if (!why.empty()) {
    const std::string line = printable(*program + " " + why);
    std::fprintf(stderr, "ashlar: run: %s: it will not use Ashlar\n", line.c_str());
  }
  set_environment(library, options_of(settings));
  become(*program, settings.words);
}

}  // namespace

Action declare_run(CLI::App& command) {
  const auto settings = std::make_shared<Settings>();
  command.add_option("--options", settings->options, "Options for Ashlar, as in ASHLAR_OPTIONS (see ashlar(7))")
      ->type_name("LIST");
  CLI::Option* const profile =
      command
          .add_option("--profile", settings->profile,
                      "Sample who allocates, and write the profile there at exit; %p is the process's number")
          ->type_name("FILE");
  add_rate(command, settings->rate)->needs(profile);
  command
      .add_option("--library", settings->library,
                  "The libashlar.so to use, if not the one that belongs to this command")
      ->type_name("FILE");
  command.add_option("PROGRAM", settings->words, "The program and its arguments")->type_name("[ARGUMENT]")->required();
  command.positionals_at_end();
  return [settings] { return run(*settings); };
}

}  // namespace ashlar::tool
