// tool: the list of subcommands.
#include "tool/command.h"

namespace ashlar::tool {

Action declare_run(CLI::App& command);
Action declare_doctor(CLI::App& command);
Action declare_meminfo(CLI::App& command);
Action declare_completion(CLI::App& command);

std::span<const Command> commands() {
  static constexpr Command kCommands[] = {
      {"run", "run a program under Ashlar", declare_run},
      {"doctor", "what a process's memory is used for, and what stands out", declare_doctor},
      {"meminfo", "the system's memory, each line explained", declare_meminfo},
      {"completion", "write the completion of command lines for a shell", declare_completion},
  };
  return kCommands;
}

}  // namespace ashlar::tool
