// tool: names for code that a process compiled while it ran. Such a process may write them to a file for perf(1), one
// line for each function: START SIZE NAME, with hexadecimal numbers.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ashlar::tool {

// Where a process writes them. The file may be missing.
struct PerfMap {
  std::string path;
  uid_t owner = 0;  // the user of the process
};

// Returns the place for a process that runs, as seen from here.
PerfMap perf_map_of(pid_t pid, const std::string& root);
// Returns the place for a process that ran here, as the caller.
PerfMap perf_map_of_number(std::uint64_t process);

// Looks up addresses, which are in ascending order. Returns a name for each, or an empty one. The last line with an
// address counts, as compilers use memory again. The file is not trusted: it must be a regular file of root, the caller
// or the owner, its first 512 MiB are read, and names are cut off at 1000 bytes and hold no control characters.
std::vector<std::string> names_in_perf_map(const PerfMap& map, const std::vector<std::uint64_t>& addresses);

}  // namespace ashlar::tool
