// What the budget tests measure with: resident memory, and a program run under ptrace to its end.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace budget {

// Resident memory of a process in KiB, summed over its mappings (smaps_rollup); the counters in /proc/PID/status are
// off by up to some hundred KiB. Calls no malloc.
long resident_kib(pid_t pid);

struct Run {
  long system_calls = 0;  // from the first after execve to exit
  long resident_kib = 0;  // as it exits
  long peak_kib = 0;      // VmHWM, as it exits
};

// Runs a program to its end, with LD_PRELOAD set to library unless that is empty. Its standard input is `input` and its
// output is dropped. Throws std::runtime_error when it cannot be run or fails.
Run observe(const std::vector<std::string>& command, const std::string& library, const std::string& input = "");

// Ends the program with status 1 unless Ashlar is preloaded: figures of another allocator prove nothing.
void require_ashlar();

// The environment of this process with LD_PRELOAD set to library, or without it when that is empty.
std::vector<std::string> environment_with(const std::string& library);

long median(std::vector<long> values);

// Prints "NAME: FIGURE UNIT, budget BUDGET UNIT"; true when the figure is within the budget.
bool within(const std::string& name, double figure, double budget, const std::string& unit);

}  // namespace budget
