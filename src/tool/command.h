// tool: what a subcommand is. A new one needs a source with a function of type `Declare`, the declaration and the row
// in commands.cc, the source in CMakeLists.txt, a section in man/ashlar.1, and cases in tests/tool. The completions are
// written from the declaration (completion.cc).
#pragma once

#include <functional>
#include <span>
#include <string_view>

namespace CLI {
class App;
}

namespace ashlar::tool {

// Does the work and returns the exit code. May throw a Failure.
using Action = std::function<int()>;

// Adds the command's options and arguments to its (empty) subcommand. Returns the action to run after they are parsed.
// The action holds the parsed values in a std::shared_ptr.
using Declare = Action (*)(CLI::App& command);

struct Command {
  std::string_view name;
  std::string_view summary;  // one line of --help
  Declare declare;
};

// Returns all commands, in the order of --help.
std::span<const Command> commands();

}  // namespace ashlar::tool
