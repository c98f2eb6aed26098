// tool: what the lines of /proc/meminfo mean (proc_meminfo(5), Documentation/filesystems/proc.rst of the kernel).
#pragma once

#include <string_view>

namespace ashlar::tool {

struct MeminfoLine {
  std::string_view name;
  std::string_view meaning;
  // A process's share is the sum of these lines of smaps_rollup, or a line of /proc/PID/status ("status:…"). The lines
  // of PSS divide shared memory by the number of processes that share it. Empty: there is no share.
  std::string_view share[2];
};

// Returns the line with that name, or null for a line that a newer kernel added.
const MeminfoLine* meminfo_line(std::string_view name);

}  // namespace ashlar::tool
