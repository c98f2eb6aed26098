// api: functions of the program that are called when memory is short: on pressure, and when an allocation fails.
//
// They run on the thread that allocates, within its call: no lock is held and no list of a heap is being changed, so
// they may allocate and free.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/ashlar.h"

namespace ashlar::api {

// What ashlar_on_failure and its like return. A function may be there several times, with different arguments.
int add_listener(ashlar_failure_function* function, void* argument);
int add_listener(ashlar_pressure_function* function, void* argument);
int remove_listener(ashlar_failure_function* function, void* argument);
int remove_listener(ashlar_pressure_function* function, void* argument);

// Calls those that listen for failures. Not in a signal handler that interrupted the allocator, nor for what one of
// them allocates itself. errno is kept.
[[gnu::cold]] void tell_failure(std::size_t size, std::size_t alignment);

// While one exists, failures of its thread are not told: of an attempt that something else may yet serve. They nest.
class Quiet {
 public:
  Quiet() { innermost = reinterpret_cast<std::uintptr_t>(this) | (outer_ & kTells); }
  ~Quiet() { innermost = outer_; }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

  // Notes what is not told; false, and nothing noted, where no attempt is on.
  static bool note(std::size_t size, std::size_t alignment);
  // Tells the last failure that was noted, if there is one, to the outer attempt if there is one: nothing served it.
  [[gnu::cold]] void tell();

 private:
  friend class Telling;

  // The address of the thread's innermost attempt, and whether it runs a listener (Telling). One word, as a library
  // that is loaded while threads run has little room for variables of each.
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
