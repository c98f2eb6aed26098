// tool: runs a program to its end, and examines it there.
#pragma once

#include <sys/types.h>

#include <functional>

#include "tool/launch.h"

namespace ashlar::tool {

// Runs the program in a child, and calls `at_end` just before the child exits, while it is stopped and still has all
// its memory. `at_end` is not called if the program never starts, or if its main thread ends before others. In the
// latter case a line on stderr says so. Signals that are sent to this command are passed on to the program. Returns the
// program's exit status, or 128 plus the number of the signal that ended it.
int run_to_end(const Launch& launch, const std::function<void(pid_t)>& at_end);

}  // namespace ashlar::tool
