// tool: which processes have Ashlar.
#pragma once

#include <sys/types.h>

#include <exception>
#include <vector>

namespace ashlar::tool {

// Returns the processes that have libashlar.so mapped, or run a program that Ashlar is linked into, in ascending order.
// Processes that may not be read are left out. A program may hold a copy of the magic, so a listed process may have no
// Ashlar.
std::vector<pid_t> processes_with_ashlar();

// Returns whether an error means that the process does not belong on the list: it has ended, or has no Ashlar.
bool is_none_of_the_list(const std::exception& error);

}  // namespace ashlar::tool
