// tool: `ashlar record`: runs a program while the library writes its calls of malloc to a file, or has a running
// process write them, and compresses the file.
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

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/error.h"
#include "tool/launch.h"
#include "tool/printable.h"
#include "tool/record_live.h"
#include "tool/trace_pack.h"

namespace ashlar::tool {

namespace {

namespace fs = std::filesystem;

struct Settings {
  std::string options;
  std::string library;
  std::vector<std::string> words;
  LiveRecording live;  // has the settings of both forms
  std::string& file = live.file;
  bool& raw = live.raw;
};

bool is_number(const std::string& word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
}

void declare_shared(CLI::App& command, LiveRecording& live) {
  command
      .add_option(
          "-o,--output", live.file,
          "The file to write; the files of child processes have their numbers appended. Default: PROGRAM.trace, or "
          "NAME.PID.trace for a PID")
      ->type_name("FILE");
  command.add_flag("--raw", live.raw, "Do not compress the file after the program has ended");
  add_seconds(
      command, "--seconds", [&live](double seconds) { live.seconds = seconds; }, 0, 1e9,
      "For a PID: how long to record. Default: until ashlar record is interrupted");
  command.add_flag("--end", live.end,
                   "For a PID: end a recording that another command began, even if that command was killed");
  live.patience.declare(command);
}

// Words after a PID are options of this command. Words after a program are the program's arguments.
int run_live(Settings& settings) {
  LiveRecording& live = settings.live;
  if (!settings.options.empty() || !settings.library.empty())
    throw Failure(Exit::kUsage, "record: --options and --library are for a program that is started, not for a PID");
  std::vector<std::string> words(settings.words.rbegin(), settings.words.rend() - 1);
  CLI::App rest;
  declare_shared(rest, live);
  refuse_empty_values(rest);
  try {
    rest.parse(words);
    live.pid = std::stoi(settings.words.front());
  } catch (const CLI::Error& error) {
    throw Failure(Exit::kUsage, std::string("record: ") + error.what());
  } catch (const std::out_of_range&) {
    throw Failure(Exit::kUsage, "record: there is no such PID: " + settings.words.front());
  }
  if (live.end && (live.seconds || live.raw || !live.file.empty()))
    throw Failure(Exit::kUsage, "record: --end writes nothing: --output, --raw and --seconds do not go with it");
  return record_live(live);
}

// Returns the path that is passed to the library, and removes an older trace there.
std::string prepare_file(const Settings& settings, const std::string& program) {
  std::error_code error;
  const std::string name = settings.file.empty() ? fs::path(program).filename().string() + ".trace" : settings.file;
  std::string path = fs::absolute(name, error).lexically_normal().string();
  constexpr const char* kUnnamed = "record: ASHLAR_OPTIONS cannot name a file with a comma, a colon or a space: ";
  if (path.find_first_of(",: \t\n") != std::string::npos) throw Failure(Exit::kUsage, kUnnamed + path);
  check_folder("record", path);
  remove_trace(path);
  return path;
}

volatile sig_atomic_t child = 0;

void pass_on(int signal) {
  if (child > 0) kill(child, signal);
}

// Ignores SIGINT and SIGQUIT, which the terminal sends to the program as well, and passes on SIGTERM and SIGHUP.
void ignore_what_the_program_gets() {
  struct sigaction action = {};
  action.sa_handler = SIG_IGN;
  for (const int signal : {SIGINT, SIGQUIT}) sigaction(signal, &action, nullptr);
  action.sa_handler = pass_on;
  for (const int signal : {SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
}

// Called in the child. Becomes the program, or exits with a message, as the command does.
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
  child = 0;                       // its number may be reused from now on
  constexpr int kSignalled = 128;  // the convention of shells
  return WIFSIGNALED(status) ? kSignalled + WTERMSIG(status) : WEXITSTATUS(status);
}

int run(Settings& settings) {
  if (is_number(settings.words.front())) return run_live(settings);
  if (settings.live.seconds || settings.live.end || settings.live.patience.is_given()) {
    throw Failure(Exit::kUsage,
                  "record: --seconds, --end and --wait need the PID of a running process instead of a program");
  }
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
    std::fprintf(stderr, "ashlar: record: no trace of %s was written\n", printable(launch.program()).c_str());
    return code;
  }
  if (!settings.raw) pack_traces(path);
  return code;
}

}  // namespace

Action declare_record(CLI::App& command) {
  const auto settings = std::make_shared<Settings>();
  declare_shared(command, settings->live);
  command.add_option("--options", settings->options, "Options for Ashlar, as in ASHLAR_OPTIONS (see ashlar(7))")
      ->type_name("LIST");
  command
      .add_option("--library", settings->library,
                  "The libashlar.so to use, if not the one that belongs to this command")
      ->type_name("FILE");
  command.add_option("PROGRAM", settings->words, "The program and its arguments, or the PID of a process")
      ->type_name("[ARGUMENT]")
      ->required();
  command.positionals_at_end();
  return [settings] { return run(*settings); };
}

}  // namespace ashlar::tool
