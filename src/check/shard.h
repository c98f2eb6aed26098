// check, private: what threads keep at hand: free slots, and the quarantine of those just freed. Threads share a few
// shards, chosen by their identity, so that nothing has to be done when a thread ends.
#pragma once

#include "check/regions.h"

namespace ashlar::check {

inline constexpr unsigned kShards = 16;
inline constexpr unsigned kMaxReady = 32;           // slots of one size at hand
inline constexpr std::uint32_t kMaxWaiting = 1024;  // slots in a quarantine; a power of two

// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): the order of meaning, on lines of their own
struct alignas(64) Shard {
  Lock<LockRank::kShard> lock;
  std::uint64_t random ASHLAR_GUARDED_BY(lock) = 0;
  std::uint32_t allocations ASHLAR_GUARDED_BY(lock) = 0;
  std::uint32_t waiting_first ASHLAR_GUARDED_BY(lock) = 0;
  std::uint32_t waiting_count ASHLAR_GUARDED_BY(lock) = 0;
  std::size_t waiting_bytes ASHLAR_GUARDED_BY(lock) = 0;
  std::uint16_t ready_count[slab::kClasses] ASHLAR_GUARDED_BY(lock) = {};
  // Under harden, ready[count - 1] is already chosen at random and prefetched.
  SlotRef ready[slab::kClasses][kMaxReady] ASHLAR_GUARDED_BY(lock) = {};
  SlotRef waiting[kMaxWaiting] ASHLAR_GUARDED_BY(lock) = {};
  // guard_sample: allocations of a class, or of what has none (0), until the next sample. Relaxed: a count.
  std::atomic<std::int64_t> until_sample[slab::kClasses] = {};
};

extern Shard shards[kShards];

// The calling thread's shard.
inline Shard& own_shard() {
  static_assert(kShards == 16);
  return shards[(os::thread_identity() >> kPageShift) * 0x9e3779b97f4a7c15u >> 60];
}

// Holds the calling thread's shard for a scope; empty in a signal handler that interrupted its thread while it did.
// Whether it holds it is known at run time alone: functions that get a shard from it start with assert_held().
class [[nodiscard]] Entered {
 public:
  Entered() ASHLAR_NO_THREAD_SAFETY_ANALYSIS : shard_(own_shard()) {
    if (heap::busy_apart) return;
    heap::busy_apart = true;  // first, and reset last: a signal handler must not wait for its own thread
    std::atomic_signal_fence(std::memory_order_seq_cst);
    shard_.lock.lock();
    entered_ = true;
  }
  ~Entered() ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
    if (!entered_) return;
    shard_.lock.unlock();
    std::atomic_signal_fence(std::memory_order_seq_cst);
    heap::busy_apart = false;
  }
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;
  explicit operator bool() const { return entered_; }
  Shard& operator*() const { return shard_; }

 private:
  Shard& shard_;
  bool entered_ = false;
};

// Counts an allocation. True once in kPerTick allocations: tick_threads is due then, with no lock
// held.
inline bool count_allocation(Shard& shard) {
  constexpr std::uint32_t kPerTick = 64;
  shard.lock.assert_held();
  return ++shard.allocations % kPerTick == 0;
}
// Which threads got here. Relaxed: hints.
struct Threads {
  std::atomic<std::uintptr_t> first{0};
  std::atomic<bool> several{false};
};
extern Threads threads;

// Gives back what is too old, as no heap counts misses here (heap::tick).
void tick_threads();
void forget_threads_in_child();

// The next of a shard's random numbers (xorshift64, Marsaglia 2003).
inline std::uint64_t next_random(Shard& shard) {
  shard.lock.assert_held();
  std::uint64_t x = shard.random;
  if (x == 0) [[unlikely]]
    x = derive(Use::kShards, static_cast<std::uint64_t>(&shard - shards)) | 1;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return shard.random = x;
}

// A free slot; none without memory.
SlotRef pop_slot(Shard& shard, SizeClass slot_class);

// Puts a slot that was just freed into the quarantine, and lets the oldest of it go.
void push_slot(Shard& shard, SlotRef slot);

// Returns the slots of a cache that wait to their spans; no lock of this layer may be held.
void end_quarantine(Slots& of);

void lock_shards_for_fork();
void unlock_shards_in_parent();
void reset_shards_in_child();

}  // namespace ashlar::check
