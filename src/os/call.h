// os, private: system calls by their numbers. libc's functions of the same names are not used, for two reasons. A
// sanitizer in the program replaces them with its own, which may not be ready when the first malloc of a process needs
// them. Several of them are cancellation points (pthreads(7)), which malloc may not be. syscall(2) has neither problem.
// Each function returns what libc's function of its name returns, and sets errno like it.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "os/sanitizers.h"

namespace ashlar::os::call {

// Returns an argument as the kernel takes it: a whole register.
template <class T>
[[gnu::always_inline]] inline long word(T value) {
  if constexpr (std::is_null_pointer_v<T>) return 0;
  else if constexpr (std::is_pointer_v<T>) return reinterpret_cast<long>(value);
  else return static_cast<long>(value);
}

template <class... Arguments>
[[gnu::always_inline]] inline long number(long which, Arguments... arguments) {
  return syscall(which, word(arguments)...);
}

// Whether a filter of system calls is there, which may end the process for a call that it does not expect.
inline bool has_filter() { return number(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0) != 0; }

// Calls that change mappings. ThreadSanitizer's own mmap and munmap forget the earlier accesses to the range. It does
// not see these calls, so annotations order them instead. Ashlar's own tests under it call its functions.
#if defined(__SANITIZE_THREAD__)
using ::mmap;
using ::mremap;
using ::munmap;
#else
extern char mappings_in_order;

[[gnu::always_inline]] inline void* mmap(void* at, std::size_t bytes, int protection, int flags, int file,
                                         off_t offset) {
  void* const p = reinterpret_cast<void*>(number(SYS_mmap, at, bytes, protection, flags, file, offset));
  take_over(&mappings_in_order);
  return p;
}
[[gnu::always_inline]] inline int munmap(void* start, std::size_t bytes) {
  hand_over(&mappings_in_order);
  return static_cast<int>(number(SYS_munmap, start, bytes));
}
[[gnu::always_inline]] inline void* mremap(void* start, std::size_t old_bytes, std::size_t new_bytes, int flags,
                                           void* to = nullptr) {
  hand_over(&mappings_in_order);
  void* const p = reinterpret_cast<void*>(number(SYS_mremap, start, old_bytes, new_bytes, flags, to));
  take_over(&mappings_in_order);
  return p;
}
#endif

[[gnu::always_inline]] inline int mprotect(void* start, std::size_t bytes, int protection) {
  return static_cast<int>(number(SYS_mprotect, start, bytes, protection));
}
[[gnu::always_inline]] inline int madvise(void* start, std::size_t bytes, int advice) {
  return static_cast<int>(number(SYS_madvise, start, bytes, advice));
}
[[gnu::always_inline]] inline int open(const char* path, int flags) {
  return static_cast<int>(number(SYS_openat, AT_FDCWD, path, flags, 0));
}
[[gnu::always_inline]] inline ssize_t read(int file, void* to, std::size_t bytes) {
  return number(SYS_read, file, to, bytes);
}
[[gnu::always_inline]] inline ssize_t write(int file, const void* from, std::size_t bytes) {
  return number(SYS_write, file, from, bytes);
}
[[gnu::always_inline]] inline void close(int file) { number(SYS_close, file); }

inline constexpr std::uint64_t bit_of(int signal) { return std::uint64_t{1} << (signal - 1); }

// Changes the signal mask, with the kernel's sigset_t: signal n is bit n - 1. libc's functions leave out the signals
// that its own threads use.
[[gnu::always_inline]] inline void change_signal_mask(int how, const std::uint64_t& mask, std::uint64_t* before) {
  number(SYS_rt_sigprocmask, how, &mask, before, sizeof mask);
}

}  // namespace ashlar::os::call
