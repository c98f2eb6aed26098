// tool: whether a process can read what the library asks of its memory cgroups and of memory pressure (os/cgroup.cc),
// which ignores in silence what it cannot read.
#pragma once

#include <sys/types.h>

#include <string>

namespace ashlar::tool {

// What keeps the limit of its memory cgroup, or the pressure, from being known; empty where both are known, or there
// is no group to ask.
std::string unknown_limit(pid_t pid);
std::string unknown_pressure(pid_t pid);

}  // namespace ashlar::tool
