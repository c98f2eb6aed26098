// tool: `ashlar record`: runs a program whose calls of malloc the library writes to a file, and compresses that.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "tool/command.h"
#include "tool/error.h"
#include "tool/launch.h"
#include "tool/printable.h"
#include "tool/trace_pack.h"

namespace ashlar::tool {

namespace {

namespace fs = std::filesystem;

struct Settings {
  std::string file;
  std::string options;
  std::string library;
  bool raw = false;
  std::vector<std::string> words;
};

// The path that the library gets, with nothing there; what was there before was a trace.
std::string prepare_file(const Settings& settings, const std::string& program) {
  std::error_code error;
  const std::string name = settings.file.empty() ? fs::path(program).filename().string() + ".trace" : settings.file;
  std::string path = fs::absolute(name, error).lexically_normal().string();
  constexpr const char* kUnnamed = "record: ASHLAR_OPTIONS cannot name a file with a comma, a colon or a space: ";
  if (path.find_first_of(",: \t\n") != std::string::npos) throw Failure(Exit::kUsage, kUnnamed + path);
  if (!fs::exists(fs::symlink_status(path, error))) return path;
  if (!fs::is_regular_file(fs::symlink_status(path, error)) || (!fs::is_empty(path, error) && !is_trace(path)))
    throw Failure(Exit::kFailed, fmt::format("record: {} exists and is no trace; it is not written over", path));
  if (!fs::remove(path, error)) throw Failure(Exit::kFailed, fmt::format("record: {}: {}", path, error.message()));
  return path;
}

volatile sig_atomic_t child = 0;

void pass_on(int signal) {
  if (child > 0) kill(child, signal);
}

// The terminal sends the first two to the program as well.
void ignore_what_the_program_gets() {
  struct sigaction action = {};
  action.sa_handler = SIG_IGN;
  for (const int signal : {SIGINT, SIGQUIT}) sigaction(signal, &action, nullptr);
  action.sa_handler = pass_on;
  for (const int signal : {SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
}

// In the child: becomes the program, or ends with a line as the command does.
[[noreturn]] void become(const Launch& launch) {
  try {
    launch.become();
  } catch (const Failure& failure) {
    std::fprintf(stderr, "ashlar: %s\n", printable(failure.what()).c_str());
    _exit(static_cast<int>(failure.code()));
  }
}

int wait_for_program() {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  child = 0;                       // its number may become another process's from now on
  constexpr int kSignalled = 128;  // as shells say it
  return WIFSIGNALED(status) ? kSignalled + WTERMSIG(status) : WEXITSTATUS(status);
}

int run(const Settings& settings) {
  const Launch launch("record", settings.library, settings.words);
  const std::string path = prepare_file(settings, launch.program());
  launch.set_environment((settings.options.empty() ? "" : settings.options + ",") + "record=" + path);
  std::fflush(nullptr);
  child = fork();
  if (child < 0) throw Failure(Exit::kFailed, fmt::format("record: {}", std::strerror(errno)));
  if (child == 0) become(launch);
  ignore_what_the_program_gets();
  const int code = wait_for_program();
  if (!fs::exists(path)) {
    std::fprintf(stderr, "ashlar: record: there is no trace of %s\n", printable(launch.program()).c_str());
    return code;
  }
  if (!settings.raw) pack_traces(path);
  return code;
}

}  // namespace

Action declare_record(CLI::App& command) {
  const auto settings = std::make_shared<Settings>();
  command
      .add_option("-o,--output", settings->file,
                  "The file to write; children get files with their numbers behind the name. Default: PROGRAM.trace")
      ->type_name("FILE");
  command.add_flag("--raw", settings->raw, "Do not compress the file when the program has ended");
  command.add_option("--options", settings->options, "Options for Ashlar, as in ASHLAR_OPTIONS (see ashlar(7))")
      ->type_name("LIST");
  command
      .add_option("--library", settings->library,
                  "The libashlar.so to use, if not the one that belongs to this command")
      ->type_name("FILE");
  command.add_option("PROGRAM", settings->words, "The program and its arguments")->type_name("[ARGUMENT]")->required();
  command.positionals_at_end();
  return [settings] { return run(*settings); };
}

}  // namespace ashlar::tool
