// tool: `ashlar completion SHELL`: writes the script that a shell needs to complete command lines of `ashlar`. The
// script is generated from the declarations of the commands.
#include "tool/completion.h"

#include <memory>

#include <CLI/CLI.hpp>

#include "tool/command.h"
#include "tool/output.h"

namespace ashlar::tool {

namespace {

// CLI11 writes a type as "WHEN:{auto,always,never}".
void split_type(const std::string& text, Argument& out) {
  const std::size_t brace = text.find('{');
  out.type = text.substr(0, text.find(':'));
  if (brace == std::string::npos) return;
  std::string choices = text.substr(brace + 1, text.find('}') - brace - 1);
  for (std::size_t comma = 0; comma != std::string::npos; choices.erase(0, comma + 1)) {
    comma = choices.find(',');
    out.choices.push_back(choices.substr(0, comma));
    if (comma == std::string::npos) break;
  }
}

Argument describe(const CLI::Option& option) {
  Argument out;
  for (const std::string& name : option.get_snames()) out.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) out.names.push_back("--" + name);
  out.description = option.get_description();
  if (option.get_expected_max() > 0) split_type(option.get_type_name(), out);
  if (option.get_positional()) out.type = option.get_name(true) + " " + out.type;
  return out;
}

int completion(const std::string& shell) {
  const std::vector<Subcommand> all = describe_commands();
  const Output output;
  output.print(shell == "bash" ? bash_completion(all) : shell == "zsh" ? zsh_completion(all) : fish_completion(all));
  return 0;
}

}  // namespace

std::vector<Subcommand> describe_commands() {
  std::vector<Subcommand> all;
  for (const Command& command : commands()) {
    CLI::App app;
    app.set_help_flag("-h,--help", "Print this help and exit");
    const Action action = command.declare(app);  // holds what the options refer to
    Subcommand sub{std::string(command.name), std::string(command.summary), {}, {}};
    for (const CLI::Option* option : app.get_options())
      (option->get_positional() ? sub.positionals : sub.options).push_back(describe(*option));
    all.push_back(std::move(sub));
  }
  return all;
}

Action declare_completion(CLI::App& command) {
  const auto shell = std::make_shared<std::string>();
  command.add_option("SHELL", *shell, "The shell")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->type_name("");
  return [shell] { return completion(*shell); };
}

}  // namespace ashlar::tool
