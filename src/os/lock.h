// os: a lock in one word that sleeps on a futex, and the order in which locks are taken.
//
// A thread takes locks in the order of LockRank, lowest first, and never two of one rank. Only fork takes all of them.
// Debug builds assert the order.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "base/assert.h"
#include "base/thread_safety.h"
#include "base/types.h"
#include "os/tally.h"

namespace ashlar {

enum class LockRank : std::uint8_t {
  kPools,      // heap: the reserves of memory pools
  kShard,      // check: one a shard of threads: blocks at hand, quarantine
  kSpanEnd,    // check: against a span that ends while it is looked through
  kSpans,      // check: one a slot size: spans of checked blocks
  kGuarded,    // check: the list of guarded blocks
  kRegionMap,  // check: from an address to its span or guarded block
  kProfile,    // profile: samples, their stacks and slots
  kHeaps,      // heap: the list of threads' heaps
  kNamed,      // slab: the named caches
  kCache,      // slab: one a size class: slabs and their objects
  kDepot,      // slab: one a size class: whole magazines
  kSlob,       // slab: the blocks of slob
  kRealms,     // heap: the list of realms, and of their unused structures
  kRealm,      // heap: one a realm: its slabs and blocks
  kVmalloc,    // vmalloc: the table of large blocks
  kPcp,        // page: one a processor: runs at hand
  kGrowth,     // page: one a zone: address space that is to be an arena
  kZone,       // page: free areas, descriptors
  kArenas,     // page: the table of arenas, the section table's writers
  kMetadata,   // page: the store of Ashlar's own structures
};

inline constexpr unsigned kLockRanks = static_cast<unsigned>(LockRank::kMetadata) + 1;

// For tests, in debug builds. Bit r of the result says that since the process began, a thread that held a lock of rank
// `held` took one of rank r, other than in fork.
std::uint32_t taken_while_held(LockRank held);

// The identity of the thread that forks and so holds all locks (os::thread_identity), or 0. At that time all that the
// locks protect is consistent, so this thread may enter it: handlers of pthread_atfork(3) that run before and after
// ours allocate. If it takes a lock again, the lock stays held until the fork is over. Relaxed: it only has to be right
// for that thread itself.
inline constinit std::atomic<std::uintptr_t> forking_thread{0};

// Functions that ThreadSanitizer is to ignore take locks, which it must see: there they are not inlined.
#if defined(__SANITIZE_THREAD__)
#define ASHLAR_INLINE_LOCK gnu::noinline
#else
#define ASHLAR_INLINE_LOCK gnu::always_inline
#endif

// The word and the operations on it, for any rank.
class LockWord {
 public:
  constexpr LockWord() = default;
  LockWord(const LockWord&) = delete;
  LockWord& operator=(const LockWord&) = delete;

 protected:
  [[ASHLAR_INLINE_LOCK]] void acquire() {
    Word expected = kFree;
    // acquire: pairs with the release in release(); what the last holder wrote is seen
    if (!state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire, std::memory_order_relaxed)) wait();
  }

  void acquire_counted(LockRank rank) {
    std::uint64_t waited_since = 0;
    if (!try_acquire()) {
      waited_since = tally::now();
      acquire();
    }
    tally::taken(this, rank, waited_since);
  }

  [[ASHLAR_INLINE_LOCK]] bool try_acquire() {
    Word expected = kFree;
    // acquire: as in acquire()
    return state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire, std::memory_order_relaxed) ||
           held_by_own_fork();
  }

  [[ASHLAR_INLINE_LOCK]] void release() {
    if (held_by_own_fork()) [[unlikely]]
      return;
    // release: pairs with the acquire in acquire() and wait()
    if (state_.exchange(kFree, std::memory_order_release) == kHeldWithWaiters) wake();
  }

  // Frees the word in a forked child. A word that is free is not written, so that its page stays shared with the
  // parent.
  void forget() {
    if (state_.load(std::memory_order_relaxed) != kFree) state_.store(kFree, std::memory_order_relaxed);
  }

  // Records which thread holds the lock, in builds with assertions only.
  void note_owner(std::uintptr_t thread) { owner_.store(thread, std::memory_order_relaxed); }
  [[nodiscard]] bool is_owned() const {
    return !kDebug || owner_.load(std::memory_order_relaxed) == own_identity() || held_by_own_fork();
  }
  static std::uintptr_t own_identity() { return reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer()); }

  [[ASHLAR_INLINE_LOCK]] static bool held_by_own_fork() {
    const std::uintptr_t thread = forking_thread.load(std::memory_order_relaxed);
    return thread != 0 && thread == own_identity();
  }

  static void note_taken(LockRank rank, bool same_rank_too);
  static void note_tried(LockRank rank);  // a thread that does not wait cannot break the order
  static void note_released(LockRank rank);

 private:
  using Word = std::uint32_t;
  static constexpr Word kFree = 0, kHeld = 1, kHeldWithWaiters = 2;

  void wait();
  void wake();

  std::atomic<Word> state_{kFree};
  // Replaces the owner's identity in builds that do not use it.
  struct Unknown {
    void store(std::uintptr_t, std::memory_order) {}
    [[nodiscard]] std::uintptr_t load(std::memory_order) const { return 0; }
  };
  // Relaxed: a thread only compares it with itself.
  [[no_unique_address]] std::conditional_t<kDebug, std::atomic<std::uintptr_t>, Unknown> owner_{};
};

// A free lock is all zero, so a structure that contains one needs no initialisation.
template <LockRank kRank>
class ASHLAR_CAPABILITY("lock") Lock : private LockWord {
 public:
  [[ASHLAR_INLINE_LOCK]] void lock() ASHLAR_ACQUIRE() {
    if constexpr (kDebug) {
      if (!held_by_own_fork()) note_taken(kRank, false);
    }
    if constexpr (tally::kOn) acquire_counted(kRank);
    else acquire();
    note_owner(own_identity());
  }

  // Takes the lock if it is free. Returns whether it did.
  [[nodiscard, gnu::always_inline]] bool try_lock() ASHLAR_TRY_ACQUIRE(true) {
    if (!try_acquire()) {
      if constexpr (tally::kOn) tally::missed(this, kRank);
      return false;
    }
    if constexpr (tally::kOn) tally::taken(this, kRank, 0);
    if constexpr (kDebug) {
      if (!held_by_own_fork()) note_tried(kRank);
    }
    note_owner(own_identity());
    return true;
  }

  // For assertions: returns whether the calling thread holds the lock, and true in builds that do not record it.
  [[nodiscard]] bool held() const { return is_owned(); }

  // Tells the thread-safety analysis that the caller of this function holds the lock, where it cannot see that itself.
  void assert_held() const ASHLAR_ASSERT_CAPABILITY(this) { ASHLAR_ASSERT(held(), "the caller holds the lock"); }

  // For fork only, which holds all locks of a rank at once.
  void lock_beside_same_rank() ASHLAR_ACQUIRE() {
    if constexpr (kDebug) note_taken(kRank, true);
    acquire();
    note_owner(own_identity());
  }

  [[ASHLAR_INLINE_LOCK]] void unlock() ASHLAR_RELEASE() {
    ASHLAR_ASSERT(held(), "a lock is released by the thread that took it");
    if constexpr (kDebug) {
      if (!held_by_own_fork()) {
        note_released(kRank);
        note_owner(0);
      }
    }
    if constexpr (tally::kOn) tally::released(kRank);
    release();
  }

  // For the child of a fork, which has no other thread that could hold or want the lock.
  void reset() {
    if constexpr (kDebug) note_released(kRank);
    note_owner(0);
    forget();
  }
};

static_assert(kDebug || sizeof(Lock<LockRank::kPools>) == sizeof(std::uint32_t), "a lock is a word");

// Holds a lock for a scope.
template <LockRank kRank>
class [[nodiscard]] ASHLAR_SCOPED_CAPABILITY Guard {
 public:
  [[ASHLAR_INLINE_LOCK]] explicit Guard(Lock<kRank>& lock) ASHLAR_ACQUIRE(lock) : lock_(lock) { lock_.lock(); }
  [[ASHLAR_INLINE_LOCK]] ~Guard() ASHLAR_RELEASE() { lock_.unlock(); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  Lock<kRank>& lock_;
};

}  // namespace ashlar
