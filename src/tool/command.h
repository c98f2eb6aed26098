// tool: what a subcommand is. To add one: a source with a function of type `Declare`, its declaration and its row in
// commands.cc, its source in CMakeLists.txt, a section in man/ashlar.1, its words in completion/, cases in
// tests/tool.
#pragma once

#include <functional>
#include <span>
#include <string_view>

namespace CLI {
class App;
}

namespace ashlar::tool {

// Does the work and gives the exit code; may throw a Failure.
using Action = std::function<int()>;

// Adds the command's options and arguments to its (empty) subcommand, and gives what runs it once they are parsed.
// The values belong into a std::shared_ptr that the action holds.
using Declare = Action (*)(CLI::App& command);

struct Command {
  std::string_view name;
  std::string_view summary;  // one line of --help
  Declare declare;
};

// All commands, in the order of --help.
std::span<const Command> commands();

}  // namespace ashlar::tool
