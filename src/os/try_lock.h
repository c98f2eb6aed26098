// os: a lock for work that can be skipped.
//
// Defined in process.cc.
#pragma once

#include <atomic>
#include <cstdint>

#include "os/lock.h"

namespace ashlar::os {
void sleep_ms(std::uint64_t ms);  // NOLINT(readability-redundant-declaration): in process.h too
}  // namespace ashlar::os

namespace ashlar {

// A lock that is only tried, except by fork: a thread that finds it held does without what it protects. Releasing it
// costs no atomic exchange, because no thread sleeps on it. A free lock is all zero.
template <LockRank kRank>
class ASHLAR_CAPABILITY("try lock") TryLock : private LockWord {
 public:
  [[nodiscard]] bool try_lock() ASHLAR_TRY_ACQUIRE(true) {
    // acquire: pairs with the release in unlock()
    if (held_.load(std::memory_order_relaxed) || held_.exchange(true, std::memory_order_acquire)) {
      if constexpr (tally::kOn) tally::missed(this, kRank);
      return false;
    }
    if constexpr (tally::kOn) tally::taken(this, kRank, 0);
    if constexpr (kDebug) note_taken(kRank, true);  // records no pair of ranks, as no thread waits for it
    return true;
  }

  void unlock() ASHLAR_RELEASE() {
    if constexpr (kDebug) note_released(kRank);
    if constexpr (tally::kOn) tally::released(kRank);
    held_.store(false, std::memory_order_release);  // pairs with the acquire in try_lock() and lock_for_fork()
  }

  // Tells the thread-safety analysis that the caller of this function holds the lock, where it cannot see that itself.
  void assert_held() const ASHLAR_ASSERT_CAPABILITY(this) {
    ASHLAR_ASSERT(held_.load(std::memory_order_relaxed), "the caller holds the lock");
  }

  // Takes one of several locks of a rank. It sleeps between tries, so that a holder of lower priority gets to run.
  void lock_for_fork() ASHLAR_ACQUIRE() {
    if constexpr (kDebug) note_taken(kRank, true);
    // acquire: pairs with the release in unlock()
    while (held_.exchange(true, std::memory_order_acquire)) os::sleep_ms(1);
  }

  // For the only thread that is left after a fork or a jump: returns whether another thread held the lock.
  [[nodiscard]] bool is_held() const { return held_.load(std::memory_order_relaxed); }

  void reset() {
    if constexpr (kDebug) note_released(kRank);
    held_.store(false, std::memory_order_relaxed);
  }

 private:
  std::atomic<bool> held_{false};
};

}  // namespace ashlar
