// tool: the `ashlar` command: reads the command line, runs one subcommand, and reports a failure by one line and an
// exit code.
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include <CLI/CLI.hpp>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/error.h"
#include "tool/output.h"
#include "tool/printable.h"

namespace ashlar::tool {

namespace {

constexpr const char* kFooter =
    "\"ashlar COMMAND --help\" explains a command. The manual of the command is ashlar(1), that of the library is "
    "ashlar(7).";

int complain(const char* what, Exit code) {
  std::fprintf(stderr, "ashlar: %s\n", printable(what).c_str());
  return static_cast<int>(code);
}

void hint(const CLI::App& app) {
  const auto given = app.get_subcommands();
  const std::string name = given.empty() ? "" : given.front()->get_name() + " ";
  std::fprintf(stderr, "Try \"ashlar %s--help\".\n", name.c_str());
}

// Returns the first word that looks like an option and is none of the command's, or an empty text.
std::string unknown_option(const CLI::App& command) {
  for (const std::string& word : command.remaining()) {
    if (word.size() > 1 && word[0] == '-' && word != "--") return word;
  }
  return {};
}

// Returns the first argument that is one too many, or an empty text.
std::string surplus_argument(const CLI::App& command) {
  for (const CLI::Option* const option : command.get_options()) {
    const auto max = static_cast<std::size_t>(option->get_items_expected_max());
    if (option->get_positional() && option->count() > max) return option->results()[max];
  }
  const std::vector<std::string> more = command.remaining();
  return more.empty() ? "" : more.front();
}

std::string mistake_of(const CLI::App& command, const CLI::ParseError& error) {
  // What follows an unknown option was taken for an argument, and may be what the error is about.
  const std::string option = unknown_option(command);
  if (!option.empty()) return "no option \"" + option + "\"";
  const std::string surplus = surplus_argument(command);
  return surplus.empty() ? error.what() : "there is one argument too many: \"" + surplus + "\"";
}

// Help and version go to stdout and succeed. Every other error is one line and a hint on stderr.
int usage_error(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);
  const auto given = app.get_subcommands();
  const auto unknown = app.remaining();
  const std::string name = given.empty() ? "" : given.front()->get_name();
  if (given.empty() && !unknown.empty()) {
    const char* const what = unknown.front()[0] == '-' ? "option" : "command";
    std::fprintf(stderr, "ashlar: no %s \"%s\"\n", what, printable(unknown.front()).c_str());
  } else {
    const std::string what = given.empty() ? error.what() : mistake_of(*given.front(), error);
    std::fprintf(stderr, "ashlar: %s%s%s\n", name.c_str(), given.empty() ? "" : ": ", printable(what).c_str());
  }
  hint(app);
  return static_cast<int>(Exit::kUsage);
}

// Flushes stdout, as a full disk is noticed only when the buffer is written.
int finish(int code) {
  const int error = Output::flush();
  if (error == 0) return code;
  return complain((std::string("cannot write to standard output: ") + std::strerror(error)).c_str(), Exit::kFailed);
}

int run(int argc, char** argv) {
  CLI::App app{"Runs programs under the Ashlar allocator, and shows what memory is used for.", "ashlar"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "ashlar " ASHLAR_VERSION, "Print the version and exit");
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.footer(kFooter);

  Action action;
  for (const Command& command : commands()) {
    CLI::App* const sub = app.add_subcommand(std::string(command.name), std::string(command.summary));
    sub->callback([&action, declared = command.declare(*sub)] { action = declared; });
    refuse_empty_values(*sub);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return finish(usage_error(app, error));
  }
  try {
    return finish(action());
  } catch (const Failure& failure) {
    std::fflush(stdout);
    const int code = complain(failure.what(), failure.code());
    if (failure.code() == Exit::kUsage) hint(app);
    return code;
  } catch (const std::exception& error) {
    std::fflush(stdout);
    return complain(error.what(), Exit::kFailed);
  }
}

}  // namespace

}  // namespace ashlar::tool

int main(int argc, char** argv) {
  try {
    return ashlar::tool::run(argc, argv);
  } catch (...) {  // no memory, before a command runs
    return ashlar::tool::complain("out of memory", ashlar::tool::Exit::kFailed);
  }
}
