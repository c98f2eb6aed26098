// The page through which the injector (inject.cc), the tested program (subject.cc) and the driver (every_call.cc)
// exchange data. The driver makes it, and the other two map it as file descriptor kReportFile.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ashlar_test {

inline constexpr int kReportFile = 90;

// The calls that can be made to fail, as bits of Orders::calls.
enum Call : unsigned {
  kMmap,
  kMunmap,
  kMprotect,
  kMadvise,
  kMremap,
  kPrctl,
  kOpen,
  kRead,
  kSyscall,  // mbind, get_mempolicy, membarrier, …: not futex, whose failure is a busy wait
  kThread,   // pthread_create
  kKey,      // pthread_key_create, pthread_setspecific
  kAtFork,
  kCalls
};
inline constexpr const char* kCallNames[kCalls] = {"mmap", "munmap", "mprotect", "madvise",        "mremap", "prctl",
                                                   "open", "read",   "mbind",    "pthread_create", "key",    "atfork"};

inline constexpr unsigned kSites = 64;

// Work of the subject in addition to its usual work. kLight omits what takes long when whole blocks are written.
inline constexpr std::uint32_t kIdle = 1, kFork = 2, kLight = 4;

struct Report {
  // Orders, from the driver:
  std::uint32_t calls;      // bits: which calls count and fail
  std::uint32_t first;      // the first call that fails, counted from 1; 0: no call fails
  std::uint32_t last;       // the last call that fails
  std::int32_t error;       // the errno
  std::uint32_t more_work;  // kIdle, kFork, kLight
  // Set by the injector:
  std::atomic<std::uint32_t> seen;      // calls that counted
  std::atomic<std::uint32_t> injected;  // the calls that failed
  struct Site {                         // a place in the library that makes such calls
    std::atomic<std::uint64_t> offset;  // of the return address in the library; 0: unused
    std::atomic<std::uint32_t> call, seen, injected;
  } sites[kSites];
  // Set by the subject at its end:
  std::uint64_t refusals;  // the calls that returned NULL
  std::uint64_t address_space_kib, resident_kib;
};

}  // namespace ashlar_test
