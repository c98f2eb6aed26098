// tool: the list of subcommands.
#include "tool/command.h"

namespace ashlar::tool {

Action declare_run(CLI::App& command);
Action declare_doctor(CLI::App& command);
Action declare_smaps(CLI::App& command);
Action declare_slabinfo(CLI::App& command);
Action declare_buddyinfo(CLI::App& command);
Action declare_zoneinfo(CLI::App& command);
Action declare_vmallocinfo(CLI::App& command);
Action declare_swapinfo(CLI::App& command);
Action declare_heaps(CLI::App& command);
Action declare_page(CLI::App& command);
Action declare_meminfo(CLI::App& command);
Action declare_top(CLI::App& command);
Action declare_metrics(CLI::App& command);
Action declare_map(CLI::App& command);
Action declare_profile(CLI::App& command);
Action declare_record(CLI::App& command);
Action declare_trace(CLI::App& command);
Action declare_replay(CLI::App& command);
Action declare_leaks(CLI::App& command);
Action declare_who(CLI::App& command);
Action declare_walk(CLI::App& command);
Action declare_options(CLI::App& command);
Action declare_set(CLI::App& command);
Action declare_trim(CLI::App& command);
Action declare_completion(CLI::App& command);

std::span<const Command> commands() {
  static constexpr Command kCommands[] = {
      {"run", "run a program under Ashlar", declare_run},
      {"doctor", "what a process's memory is used for, and what stands out", declare_doctor},
      {"smaps", "the mappings of a process, and what each is to Ashlar", declare_smaps},
      {"slabinfo", "the caches of a process, in the format of /proc/slabinfo", declare_slabinfo},
      {"buddyinfo", "free blocks by order, in the format of /proc/buddyinfo", declare_buddyinfo},
      {"zoneinfo", "zones and their watermarks, in the format of /proc/zoneinfo", declare_zoneinfo},
      {"vmallocinfo", "blocks with a mapping of their own, in the format of /proc/vmallocinfo", declare_vmallocinfo},
      {"swapinfo", "swap areas, in the format of /proc/swaps", declare_swapinfo},
      {"heaps", "the heaps that a process made (ashlar/heap.h), and their contents", declare_heaps},
      {"page", "everything about one address", declare_page},
      {"meminfo", "the system's memory, with each line explained", declare_meminfo},
      {"top", "a live view of what memory is used for, and what changes", declare_top},
      {"metrics", "figures of processes for Prometheus, as text, in a file or by HTTP", declare_metrics},
      {"map", "a picture of the heap, as an HTML page", declare_map},
      {"profile", "which functions hold memory, in a running process or in a profile file", declare_profile},
      {"record", "write each call of malloc of a program or a running process to a file", declare_record},
      {"trace", "what a recorded program allocated", declare_trace},
      {"replay", "run a trace's calls under several allocators, and compare them", declare_replay},
      {"leaks", "the blocks of a process that nothing points to", declare_leaks},
      {"who", "what points to a block", declare_who},
      {"walk", "the blocks that a process holds, one per line", declare_walk},
      {"options", "the options of a process, and where each value comes from", declare_options},
      {"set", "change options of a running process", declare_set},
      {"trim", "make a process return its free memory to the system", declare_trim},
      {"completion", "write the command-line completions for a shell", declare_completion},
  };
  return kCommands;
}

}  // namespace ashlar::tool
