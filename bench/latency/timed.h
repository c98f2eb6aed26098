// Latency benchmark: calls of the interface, each of them timed.
#pragma once

#include <cstdlib>
#include <ctime>

#include "../random.h"
#include "histogram.h"

namespace ashlar::latency {

inline std::uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000000 + static_cast<std::uint64_t>(now.tv_nsec);
}

enum Call : unsigned { kMalloc, kFree, kCalloc, kRealloc, kFork, kMachine, kCalls };
inline constexpr const char* kNames[kCalls] = {"malloc", "free", "calloc", "realloc", "fork", "machine"};

// The measurements of one thread. After each 64 calls an empty loop runs for as long as they took, and times its own
// rounds. Its delays (kMachine) come from the scheduler and the hypervisor, and affect the calls equally often.
class Timer {
 public:
  void* malloc(std::size_t n) {
    return time(kMalloc, [n] { return std::malloc(n); });
  }
  void* calloc(std::size_t n) {
    return time(kCalloc, [n] { return std::calloc(n, 1); });
  }
  void* realloc(void* p, std::size_t n) {
    return time(kRealloc, [p, n] { return std::realloc(p, n); });
  }
  void free(void* p) {
    time(kFree, [p] { return std::free(p), nullptr; });
  }

  template <class Work>
  void* time(Call call, Work work) {
    const std::uint64_t start = now_ns();
    void* const result = work();
    const std::uint64_t ns = now_ns() - start;
    of[call].add(ns);
    spent_ += ns;
    if (++calls_ % 64 == 0) spin();
    return result;
  }

  void add(const Timer& other) {
    for (unsigned i = 0; i < kCalls; ++i) of[i].add(other.of[i]);
  }

  Histogram of[kCalls];

 private:
  void spin() {
    const std::uint64_t start = now_ns();
    for (std::uint64_t last = start; last - start < spent_;) {
      const std::uint64_t now = now_ns();
      of[kMachine].add(now - last);
      last = now;
    }
    spent_ = 0;
  }

  std::uint64_t spent_ = 0;
  unsigned calls_ = 0;
};

class Random : public bench::Random {
 public:
  using bench::Random::Random;
  // Returns mostly small sizes: 16 to 1024 bytes, for one in 16 up to 32 KiB, for one in 256 up to 1 MiB.
  std::size_t size() {
    const std::size_t kind = below(256);
    return 16 + below(kind == 0 ? std::size_t{1} << 20 : kind < 16 ? 32 << 10 : 1008);
  }
};

// The cases (cases.cc). Each does work in proportion to `scale` and adds its measurements to `sum`. Returns false, with
// the reason on stderr, if the system does not allow the case.
struct Case {
  const char* name;
  const char* what;
  bool (*run)(double scale, Timer& sum);
};
extern const Case kCases[];
extern const std::size_t kCaseCount;

}  // namespace ashlar::latency
