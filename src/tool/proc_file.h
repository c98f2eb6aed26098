// tool: files of /proc made of lines "Name:   value kB" (meminfo, status, smaps_rollup).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::tool {

struct ProcLine {
  std::string name;
  std::uint64_t value = 0;  // bytes where the file says kB, else as it stands
  bool bytes = false;
};

// The whole file; throws a Failure: no such process, not permitted, gone meanwhile. `pid` 0: a file of the system.
std::string read_proc(pid_t pid, const std::string& file);

// Its lines that hold a number, in their order.
std::vector<ProcLine> proc_lines(const std::string& text);

// The value of a line, or none.
std::optional<std::uint64_t> value_of(const std::vector<ProcLine>& lines, const std::string& name);

// The command's name, as ps(1) shows it.
std::string process_name(pid_t pid);

}  // namespace ashlar::tool
