// os: tells the sanitizers of a program about memory that changes hands in the library, which is not instrumented.
// Without this, ThreadSanitizer sees no order between a free by one thread and the allocation of the same memory by
// another, and LeakSanitizer does not look for pointers in Ashlar's memory. The functions are weak: only a program that
// was built with a sanitizer defines them. They are called only in slow paths, where memory goes from thread to thread.
//
// Defined in fork.cc.
#pragma once

#include <atomic>
#include <cstddef>

extern "C" {
// NOLINTBEGIN(readability-identifier-naming): their names
// include/sanitizer/tsan_interface.h and lsan_interface.h of LLVM's compiler-rt
[[gnu::weak, gnu::visibility("default")]] void __tsan_acquire(void* address);
[[gnu::weak, gnu::visibility("default")]] void __tsan_release(void* address);
[[gnu::weak, gnu::visibility("default")]] void __lsan_register_root_region(const void* start, std::size_t bytes);
[[gnu::weak, gnu::visibility("default")]] void __lsan_unregister_root_region(const void* start, std::size_t bytes);
// NOLINTEND(readability-identifier-naming)
}

namespace ashlar::os {

// Under ThreadSanitizer, Ashlar's own tests must find a missing order, so they are not told of one.
#ifdef __SANITIZE_THREAD__
inline constexpr bool kTellsOrder = false;
#else
inline constexpr bool kTellsOrder = true;
#endif

[[nodiscard]] bool single_threaded();  // NOLINT(readability-redundant-declaration): os.h has it too

// Returns whether an order must be reported: false until the process has a second thread. Before that ThreadSanitizer
// may not be ready, and the one thread's own order is enough.
[[nodiscard]] inline bool order_is_told() {
  static constinit std::atomic<bool> told{false};  // relaxed: starting a thread orders all that came before
  if (!told.load(std::memory_order_relaxed) && !single_threaded()) told.store(true, std::memory_order_relaxed);
  return told.load(std::memory_order_relaxed);
}

[[gnu::cold, gnu::noinline]] inline void tell_release(void* by) {
  if (order_is_told()) __tsan_release(by);
}
[[gnu::cold, gnu::noinline]] inline void tell_acquire(void* by) {
  if (order_is_told()) __tsan_acquire(by);
}

// Orders what this thread did to memory before what another thread does to it after take_over with the same `by`.
inline void hand_over(void* by) {
  if (kTellsOrder && &__tsan_release != nullptr) [[unlikely]]
    tell_release(by);
}
inline void take_over(void* by) {
  if (kTellsOrder && &__tsan_acquire != nullptr) [[unlikely]]
    tell_acquire(by);
}

// Registers memory that may hold pointers of the program, and ends that.
inline void add_root_region(const void* start, std::size_t bytes) {
  if (&__lsan_register_root_region != nullptr) __lsan_register_root_region(start, bytes);
}
inline void remove_root_region(const void* start, std::size_t bytes) {
  if (&__lsan_unregister_root_region != nullptr) __lsan_unregister_root_region(start, bytes);
}

}  // namespace ashlar::os
