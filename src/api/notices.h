// api: functions of the program that are called when memory is short: on pressure, and when an allocation fails.
//
// They run on the thread that allocates, within its call: no lock is held and no list of a heap is being changed, so
// they may allocate and free.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/ashlar.h"

namespace ashlar::api {

// Return what ashlar_on_failure and its like return. A function may be registered several times, with different
// arguments.
int add_listener(ashlar_failure_function* function, void* argument);
int add_listener(ashlar_pressure_function* function, void* argument);
int remove_listener(ashlar_failure_function* function, void* argument);
int remove_listener(ashlar_pressure_function* function, void* argument);

// Calls the listeners for failures, except in a signal handler that interrupted the allocator, and for allocations of a
// listener itself. errno is kept.
[[gnu::cold]] void tell_failure(std::size_t size, std::size_t alignment);

// While one exists, no listener is called for failures of its thread: another way may yet serve the request. They nest.
class Quiet {
 public:
  Quiet() { innermost = reinterpret_cast<std::uintptr_t>(this) | (outer_ & kTells); }
  ~Quiet() { innermost = outer_; }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

  // Notes a failure for which no listener is called yet. Returns false, and notes nothing, where the thread has no
  // Quiet.
  static bool note(std::size_t size, std::size_t alignment);
  // Reports the last failure that was noted, since nothing served the request: to the outer Quiet if there is one,
  // otherwise to the listeners. Does nothing if none was noted.
  [[gnu::cold]] void tell();

 private:
  friend class Telling;

  // The address of the thread's innermost Quiet, and whether the thread runs a listener (Telling). They share a word,
  // since a library that is loaded while threads run has little room for thread-local variables.
  static constinit thread_local std::uintptr_t innermost;
  static constexpr std::uintptr_t kTells = 1;

  const std::uintptr_t outer_ = innermost;
  std::size_t size_ = 0;
  std::size_t alignment_ = 0;  // 0: none was noted
};

// No block has so many bytes: the difference of two pointers into it would overflow.
inline bool too_large(std::size_t bytes) { return bytes > PTRDIFF_MAX; }

// Leaves ENOMEM in errno, for a request that failed, and tells it. Null.
[[gnu::cold]] void* out_of_memory(std::size_t size, std::size_t alignment);

}  // namespace ashlar::api
