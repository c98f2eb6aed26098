// tool: which processes have Ashlar.
#pragma once

#include <sys/types.h>

#include <exception>
#include <vector>

namespace ashlar::tool {

// The processes that have libashlar.so mapped, or run a program that Ashlar is linked into, by number. Those that may
// not be read are left out. Some may turn out to have no Ashlar when they are read: a program may hold anything.
std::vector<pid_t> processes_with_ashlar();

// Whether a process of the list that could not be read is none: it has ended, or has no Ashlar.
bool is_none_of_the_list(const std::exception& error);

}  // namespace ashlar::tool
