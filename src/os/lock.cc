// os: the slow half of the lock (Drepper, "Futexes Are Tricky", 2004, mutex 2), and the check of the order of locks.
#include "os/lock.h"

#include <linux/futex.h>

#include <cerrno>

#include "os/call.h"
#include "os/os.h"

namespace ashlar {

namespace {

// How many locks of each rank this thread holds. Used by debug builds only: the linker drops it from others.
constinit thread_local std::uint8_t held[kLockRanks] = {};
constinit std::atomic<std::uint32_t> taken_while[kLockRanks] = {};  // by rank held; relaxed: bits are only added
static_assert(kLockRanks <= 32);

void record_pairs(unsigned taken) {
  for (unsigned rank = 0; rank < kLockRanks; ++rank) {
    if (held[rank] != 0) taken_while[rank].fetch_or(1u << taken, std::memory_order_relaxed);
  }
}

// Long enough for a critical section of a few hundred instructions to end, and short compared with a context switch.
constexpr int kSpins = 60;

void pause_cpu() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void futex(std::atomic<std::uint32_t>* word, int operation, std::uint32_t value) {
  const int saved = errno;
  // where seccomp forbids futex, the caller spins; EAGAIN and EINTR only mean "look again"
  os::call::number(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
  errno = saved;
}

}  // namespace

void LockWord::wait() {
  if (held_by_own_fork()) return;
  for (int i = 0; i < kSpins; ++i) {
    Word expected = kFree;
    if (state_.load(std::memory_order_relaxed) == kFree &&
        // acquire: pairs with the release in release()
        state_.compare_exchange_weak(expected, kHeld, std::memory_order_acquire, std::memory_order_relaxed)) {
      return;
    }
    pause_cpu();
  }
  // From here on the lock is taken as "with waiters", since another sleeper may remain when this one wakes.
  // acquire: pairs with the release in release()
  while (state_.exchange(kHeldWithWaiters, std::memory_order_acquire) != kFree) {
    futex(&state_, FUTEX_WAIT, kHeldWithWaiters);
  }
}

void LockWord::wake() { futex(&state_, FUTEX_WAKE, 1); }

void LockWord::note_taken(LockRank taken, bool same_rank_too) {
  const auto rank = static_cast<unsigned>(taken);
  for (unsigned above = same_rank_too ? rank + 1 : rank; above < kLockRanks; ++above) {
    if (held[above] == 0) continue;
    Text<100> line;
    line << "lock order: a lock of rank " << rank << " is wanted while one of rank " << above << " is held";
    os::say(line.view());
    os::die();
  }
  if (!same_rank_too) record_pairs(rank);
  ++held[rank];
}

void LockWord::note_tried(LockRank taken) { ++held[static_cast<unsigned>(taken)]; }

std::uint32_t taken_while_held(LockRank held_rank) {
  return taken_while[static_cast<unsigned>(held_rank)].load(std::memory_order_relaxed);
}

void LockWord::note_released(LockRank rank) {
  auto& count = held[static_cast<unsigned>(rank)];
  if (count > 0) --count;
}

}  // namespace ashlar
