// tool: whether a process can read the files of its memory cgroups and of memory pressure that the library reads
// (os/cgroup.cc). The library silently ignores files that it cannot read.
#pragma once

#include <sys/types.h>

#include <string>

namespace ashlar::tool {

// Return why the limit of the process's memory cgroup, or the memory pressure, cannot be read. Empty if it can be read,
// or if the process has no group.
std::string unknown_limit(pid_t pid);
std::string unknown_pressure(pid_t pid);

}  // namespace ashlar::tool
