// tool: the list of subcommands.
#include "tool/command.h"

namespace ashlar::tool {

Action declare_run(CLI::App& command);
Action declare_meminfo(CLI::App& command);

std::span<const Command> commands() {
  static constexpr Command kCommands[] = {
      {"run", "run a program under Ashlar", declare_run},
      {"meminfo", "the system's memory, each line explained", declare_meminfo},
  };
  return kCommands;
}

}  // namespace ashlar::tool
