// tool: the command line as data. The completions of the shells are written from it.
#pragma once

#include <string>
#include <vector>

namespace ashlar::tool {

// An option ("--color", "-h") or, without names, a positional argument.
struct Argument {
  std::vector<std::string> names;
  std::string description;
  std::string type;                  // "PID", "FILE"; empty for a flag
  std::vector<std::string> choices;  // the values that are allowed, if the list is fixed
  [[nodiscard]] bool is_pid() const { return type.find("PID") != std::string::npos; }
  [[nodiscard]] bool is_file() const { return type.find("FILE") != std::string::npos; }
  [[nodiscard]] bool is_program() const { return type.find("PROGRAM") != std::string::npos; }
};

struct Subcommand {
  std::string name;
  std::string summary;
  std::vector<Argument> options;
  std::vector<Argument> positionals;
};

// Returns all subcommands, as main declares them.
std::vector<Subcommand> describe_commands();

std::string bash_completion(const std::vector<Subcommand>& commands);
std::string zsh_completion(const std::vector<Subcommand>& commands);
std::string fish_completion(const std::vector<Subcommand>& commands);

}  // namespace ashlar::tool
