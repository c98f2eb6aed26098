// page, private: the limits of the memory cgroup, and what a shortage of memory changes.
//
// The groups' real charge counts, other processes' included, not what was handed out: it is read when the heap has
// grown by an eighth and 16 MiB or by half of the headroom that was left, and near the limit at most once in a few
// milliseconds. In between the heap's own pages count.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "page/page.h"

namespace ashlar::page {

// Pages in use and free ones that may be resident, at which the limit is looked at. Relaxed: a stale value means one
// look more.
extern std::atomic<std::size_t> next_limit_check;

// The pages that may be granted until then, whatever is freed meanwhile: of what is held and was never touched, nobody
// knows how much has gone. Relaxed, as above.
extern std::atomic<std::size_t> limit_grants_left;
inline bool takes_grant(PageCount wanted) {
  const std::size_t left = limit_grants_left.load(std::memory_order_relaxed);
  if (wanted.raw > left) return false;
  if (left != SIZE_MAX) limit_grants_left.store(left - wanted.raw, std::memory_order_relaxed);
  return true;
}

// What a request may do.
struct Allowance {
  bool granted = true;
  PageCount excess;  // that has to be purged for it
};

// Judges a request for `wanted` pages, A request that alone
// is larger than the limit will not be used as a whole: it counts as it is touched. No lock may be held.
[[gnu::cold]] Allowance ask_limit(Use use, PageCount wanted);

// So many pages, of which nobody knows how many were touched, are no longer held.
void note_limit_left(PageCount pages);

// In the child of a fork: it may be charged elsewhere.
void forget_limit();

// Reads how short memory is, some times a second at most, and has zones and caches give back more when it is. No lock
// may be held. Worth a look is what some megabytes could be given back of, or the end of a shortage.
[[gnu::cold]] void look_at_pressure(Use use);
inline bool worth_a_look(PageCount dirty) {
  constexpr PageCount kMin = PageCount::floor(4_MiB);
  return dirty >= kMin || pressure.load(std::memory_order_relaxed) != os::Pressure::kNone;
}

}  // namespace ashlar::page
