// tool: what the lines of /proc/meminfo mean (proc_meminfo(5), Documentation/filesystems/proc.rst of the kernel).
#pragma once

#include <string_view>

namespace ashlar::tool {

struct MeminfoLine {
  std::string_view name;
  std::string_view meaning;
  // Where a process's share of it is told: the sum of these lines of smaps_rollup (PSS: what it shares is divided
  // among those who share it), or a line of /proc/PID/status ("status:…"). Empty: there is no share.
  std::string_view share[2];
};

// The line with that name, or null for one that a newer kernel added.
const MeminfoLine* meminfo_line(std::string_view name);

}  // namespace ashlar::tool
