// Measures for the budget tests: resident memory, and a program that runs under ptrace to its end.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace budget {

// Resident memory in KiB, summed over the mappings (smaps_rollup). The counters in /proc/PID/status, VmHWM among them,
// are off by up to some hundred KiB per processor. Private pages are the program's own: anonymous memory, and pages of
// files that it wrote to. How many pages of files are mapped depends on the machine, because around a fault the kernel
// maps what its page cache holds.
struct Resident {
  long private_kib = 0;
  long file_kib = 0;
};
Resident resident_parts(pid_t pid);  // calls no malloc
long private_kib();                  // of this process

struct Run {
  long system_calls = 0;  // from the first call after execve to exit
  // How many of these each call made, by its number. -1: the kernel does not say (/proc/PID/syscall).
  std::map<long, long> by_number;
  Resident at_exit;
  long peak_private_kib = 0;  // at each system call, since returning memory takes one
  long library_kib = 0;       // the part of at_exit.file_kib that belongs to the preloaded library
};

// Makes figures depend less on the machine, in this process and those that it starts: without transparent huge pages
// and with addresses that are not random. Prints what is refused.
void ask_for_steady_figures();

// Runs a program to its end, with LD_PRELOAD set to `library` unless that is empty. The program reads `input`, and its
// output is dropped. Throws std::runtime_error if it cannot be run or fails.
Run observe(const std::vector<std::string>& command, const std::string& library, const std::string& input = "");

// Ends the program with status 1 unless Ashlar is preloaded, since figures of another allocator prove nothing.
void require_ashlar();

// Returns the environment of this process with LD_PRELOAD set to `library`, or without LD_PRELOAD if that is empty.
std::vector<std::string> environment_with(const std::string& library);

long median(std::vector<long> values);

// Prints "NAME: FIGURE UNIT, budget BUDGET UNIT". Returns whether the figure is within the budget.
bool within(const std::string& name, double figure, double budget, const std::string& unit);

}  // namespace budget
