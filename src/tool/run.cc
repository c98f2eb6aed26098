// tool: `ashlar run`: becomes a program with libashlar.so preloaded.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/error.h"
#include "tool/launch.h"
#include "tool/leaks.h"
#include "tool/printable.h"
#include "tool/reader/stop.h"
#include "tool/to_end.h"

namespace ashlar::tool {

namespace {

struct Settings {
  std::string options;
  std::string profile;  // the file to write
  std::string rate;
  std::string library;
  bool leaks = false;
  std::vector<std::string> words;  // the program and its arguments
};

// Returns the settings as options of the library. The file's path is made absolute, as the program may change its
// folder.
std::string options_of(const Settings& settings) {
  if (settings.profile.empty()) return settings.options;
  if (settings.profile.find(',') != std::string::npos)
    throw Failure(Exit::kUsage,
                  fmt::format("run: --profile: ASHLAR_OPTIONS cannot name a file with a comma: {}", settings.profile));
  std::error_code error;
  const std::string file = std::filesystem::absolute(settings.profile, error).string();
  const std::string::size_type slash = file.rfind('/');
  if (file.find('%') > slash) check_folder("run", file);  // the process's number may be a part of the folder's name
  const std::string before = settings.options.empty() ? "" : settings.options + ",";
  return before + "profile" + (settings.rate.empty() ? "" : "=" + settings.rate) + ",profile_file=" + file;
}

// Writes to stderr, as stdout is the program's. An error here does not change the program's exit status.
void show_leaks(pid_t pid) {
  dup2(STDERR_FILENO, STDOUT_FILENO);
  try {
    const auto source = reader::Source::live(pid);
    print_leaks_at_end(*source, {reader::stopped_thread(pid)});
    std::fflush(stdout);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "ashlar: run: --leaks: %s\n", printable(failure.what()).c_str());
  }
}

int run(const Settings& settings) {
  const Launch launch("run", settings.library, settings.words);
  launch.set_environment(options_of(settings));
  if (settings.leaks) return run_to_end(launch, show_leaks);
  launch.become();
}

}  // namespace

Action declare_run(CLI::App& command) {
  const auto settings = std::make_shared<Settings>();
  command.add_option("--options", settings->options, "Options for Ashlar, as in ASHLAR_OPTIONS (see ashlar(7))")
      ->type_name("LIST");
  CLI::Option* const profile =
      command
          .add_option("--profile", settings->profile,
                      "Sample allocations, and write the profile to this file at exit; %p is the process's number")
          ->type_name("FILE");
  add_rate(command, settings->rate)->needs(profile);
  command
      .add_option("--library", settings->library,
                  "The libashlar.so to use, if not the one that belongs to this command")
      ->type_name("FILE");
  command.add_flag("--leaks", settings->leaks,
                   "When the program ends, show on stderr the blocks that nothing points to (ashlar leaks)");
  command.add_option("PROGRAM", settings->words, "The program and its arguments")->type_name("[ARGUMENT]")->required();
  command.positionals_at_end();
  return [settings] { return run(*settings); };
}

}  // namespace ashlar::tool
