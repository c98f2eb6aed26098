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
  std::uint64_t value = 0;  // in bytes if the file says kB, else the file's number
  bool bytes = false;
};

// Returns the whole file. `pid` 0: a file of the system. Throws a Failure if there is no such process, if it may not be
// read, or if it ended meanwhile.
std::string read_proc(pid_t pid, const std::string& file);

// Returns the lines that hold a number, in their order.
std::vector<ProcLine> proc_lines(const std::string& text);

// Returns the value of a line, or nothing if there is no such line.
std::optional<std::uint64_t> value_of(const std::vector<ProcLine>& lines, const std::string& name);

// Returns the process's number in its own namespace, which it may have written somewhere.
std::uint32_t number_in_namespace(pid_t pid);

// Returns the command's name, as ps(1) shows it.
std::string process_name(pid_t pid);

}  // namespace ashlar::tool
