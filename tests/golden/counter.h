// Counts the instructions of a call. The processor's trap flag raises SIGTRAP after each instruction, and the handler
// counts. This happens within the counted process, because a debugger's steps cost thirty times as much. Nothing here
// allocates.
#pragma once

#include <cstddef>
#include <cstdint>

namespace golden {

// The entry points that a case calls.
enum class Role : int32_t { kAcquire, kRelease };

struct Count {
  Role role;
  int32_t own;  // instructions of the library itself
  int32_t all;  // also those of libc, whose memset and memcpy differ between processors
};

inline constexpr size_t kMaxCounts = 4096;

// Must be called before the first call is counted. `inside` is any address in the library.
void start_counting(const void* inside);

// Calls function(a, b), records its instructions from the first one to its ret, and returns its result.
void* counted_call(Role role, void* function, size_t a, size_t b);

// Writes the records to a file descriptor.
bool write_counts(int fd);

}  // namespace golden
