// Counts the instructions of a call: the processor's trap flag makes every single one raise SIGTRAP, and the handler
// counts. That happens within the process that is counted (a debugger's steps cost thirty times as much), so nothing
// here allocates.
#pragma once

#include <cstddef>
#include <cstdint>

namespace golden {

// Which of its two entry points a case calls.
enum class Role : int32_t { kAcquire, kRelease };

struct Count {
  Role role;
  int32_t own;  // instructions of the library itself
  int32_t all;  // with those of libc, whose memset and memcpy differ from one processor to another
};

inline constexpr size_t kMaxCounts = 4096;

// To be called before the first call is counted; `inside` is any address in the library.
void start_counting(const void* inside);

// Calls function(a, b), records its instructions from the first to its ret, and returns what it returned.
void* counted_call(Role role, void* function, size_t a, size_t b);

// Writes the records to a file descriptor.
bool write_counts(int fd);

}  // namespace golden
