// tool: runs a program to its end, and looks at it there.
#pragma once

#include <sys/types.h>

#include <functional>

#include "tool/launch.h"

namespace ashlar::tool {

// Runs the program in a child and calls `at_end` when that is about to end, stopped and with all its memory; not if the
// program never starts, or if its main thread ends before others, which a line on stderr says. Signals reach it as
// without this command: those sent to this one are passed on. Returns its exit status, or 128 and the number of
// the signal that ended it.
int run_to_end(const Launch& launch, const std::function<void(pid_t)>& at_end);

}  // namespace ashlar::tool
