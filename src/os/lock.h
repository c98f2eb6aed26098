// os: a lock of a word that sleeps on a futex, and the order in which locks are taken.
//
// A thread takes locks in the order of LockRank, lowest first, and never two of one rank except in fork, which takes
// all. Debug builds assert it.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/types.h"

namespace ashlar {

enum class LockRank : std::uint8_t {
  kHeaps,     // heap: the list of threads' heaps
  kCache,     // slab: one a size class: slabs and their objects
  kDepot,     // slab: one a size class: whole magazines
  kVmalloc,   // vmalloc: the table of large blocks
  kZone,      // page: free areas, descriptors
  kMetadata,  // page: the store of Ashlar's own structures
};

class Lock {
 public:
  constexpr explicit Lock(LockRank rank) : rank_(rank) {}
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  void lock() {
    enter(false);
    acquire();
  }

  // For fork alone, which holds all locks of a rank at once.
  void lock_beside_same_rank() {
    enter(true);
    acquire();
  }

  void unlock() {
    leave();
    // release: pairs with the acquire in lock and wait
    if (state_.exchange(kFree, std::memory_order_release) == kHeldWithWaiters) wake();
  }

  // For the child of a fork, where no other thread is left that could hold or want it.
  void reset() {
    leave();
    state_.store(kFree, std::memory_order_relaxed);
  }

 private:
  using Word = std::uint32_t;
  static constexpr Word kFree = 0, kHeld = 1, kHeldWithWaiters = 2;

  void acquire() {
    Word expected = kFree;
    // acquire: pairs with the release in unlock; what the last holder wrote is seen
    if (!state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire, std::memory_order_relaxed)) wait();
  }
  void wait();
  void wake();
  void enter(bool same_rank_too) const {
    if constexpr (kDebug) note_taken(same_rank_too);
  }
  void leave() const {
    if constexpr (kDebug) note_released();
  }
  void note_taken(bool same_rank_too) const;
  void note_released() const;

  std::atomic<Word> state_{kFree};
  LockRank rank_;
};

// Holds a lock for a scope.
class [[nodiscard]] Guard {
 public:
  explicit Guard(Lock& lock) : lock_(lock) { lock_.lock(); }
  ~Guard() { lock_.unlock(); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  Lock& lock_;
};

}  // namespace ashlar
