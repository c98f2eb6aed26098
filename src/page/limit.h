// page, private: the limits of the memory cgroup, and what a shortage of memory changes.
//
// The groups' real charge counts, other processes' included, not what was handed out: it is read when the heap has
// grown by an eighth and 16 MiB (twice that where there is no limit) or by half of the headroom that was left, and near
// the limit at most once in a few milliseconds. In between the heap's own pages count.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "page/page.h"

namespace ashlar::page {

inline constexpr PageCount kLimitStep = PageCount::floor(16_MiB);  // growth between two looks

// What is known of the limits, in pages. Relaxed throughout: a stale value means one look more, and any mixture of two
// readings is as good as either.
struct Limits {
  // In use and free ones that may be resident, at which the limits are looked at.
  std::atomic<std::size_t> next_check{kLimitStep.raw};
  // May be granted until then, whatever is freed meanwhile: nobody knows how much of what is held was touched.
  std::atomic<std::size_t> grants_left{SIZE_MAX};
  std::atomic<std::size_t> usable{SIZE_MAX};   // the limit less the reserve
  std::atomic<std::size_t> reached{SIZE_MAX};  // held or dirty at which the limit is reached
  std::atomic<std::size_t> read_at{0};         // held or dirty when the limits were read
  std::atomic<std::uint64_t> read_ms{0};       // when that was; 0: never, or too long ago
};
extern Limits limits;

// Takes some of the pages that may be granted without a look. False if they are too few.
inline bool takes_grant(PageCount wanted) {
  const std::size_t left = limits.grants_left.load(std::memory_order_relaxed);
  if (wanted.raw > left) return false;
  if (left != SIZE_MAX) limits.grants_left.store(left - wanted.raw, std::memory_order_relaxed);
  return true;
}

// What a request may do.
struct Allowance {
  bool granted = true;
  PageCount excess;  // that has to be purged for it
};

// Judges a request for `wanted` pages. A request that alone is larger than the limit will not be used as a whole: it
// counts as it is touched. No lock may be held.
[[gnu::cold]] Allowance ask_limit(Use use, PageCount wanted);

// Notes that pages are no longer held, of which nobody knows how many were touched.
void note_limit_left(PageCount pages);

// In the child of a fork: it may be charged elsewhere.
void forget_limit();

// Reads how short memory is, a few times a second at most. When it is short, zones and caches keep less. Returns
// whether it was read, which takes some 100 us. No lock may be held.
[[gnu::cold]] bool look_at_pressure(Use use);

// True when some megabytes could be returned to the system, memory was short at the last look, or the program asks.
inline bool worth_a_look(PageCount dirty) {
  constexpr PageCount kMin = PageCount::floor(4_MiB);
  return dirty >= kMin || signals.look_at_pressure.load(std::memory_order_relaxed) != nullptr ||
         signals.pressure.load(std::memory_order_relaxed) != os::Pressure::kNone;
}

}  // namespace ashlar::page
