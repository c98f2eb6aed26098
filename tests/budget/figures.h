// What the budget tests measure with: resident memory, and a program run under ptrace to its end.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace budget {

// Resident memory in KiB, summed over the mappings (smaps_rollup): the counters in /proc/PID/status, VmHWM among them,
// are off by up to some hundred KiB a processor. Private pages are the program's own doing: anonymous memory, and pages
// of files that it wrote to. How many pages of files are mapped depends on the machine: around a fault the kernel maps
// what its page cache holds.
struct Resident {
  long private_kib = 0;
  long file_kib = 0;
};
Resident resident_parts(pid_t pid);  // calls no malloc
long private_kib();                  // of this process

struct Run {
  long system_calls = 0;  // from the first after execve to exit
  Resident at_exit;
  long peak_private_kib = 0;  // at each system call: it takes one to give memory back
  long library_kib = 0;       // of at_exit.file_kib, what is of the preloaded library
};

// Lets figures depend less on the machine, in this process and those that it starts: no transparent huge pages, and
// addresses that are not random. Prints what is refused.
void ask_for_steady_figures();

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
