// page, private: reclaim, as far as it concerns all zones together.
#pragma once

#include <atomic>

#include "page/feedback.h"

namespace ashlar::page {

// Relaxed throughout: hints and figures, which publish nothing.
struct Reclaim {
  std::atomic<std::size_t> pages_outside{0};   // see account_outside
  std::atomic<std::size_t> threads{0};         // that have a heap
  std::atomic<std::uint64_t> next_tick_ms{0};  // when a thread looks for old pages next
  std::atomic<std::uint64_t> next_wake_ms{0};  // when a thread asks the system for kswapd next
  std::atomic<bool> purged_lazily{false};      // pages may have been purged by MADV_FREE, which need not read as zero
};
extern Reclaim reclaim;

inline constexpr PageCount kKswapdIdle{64};  // dirty free pages that are worth no waking of kswapd

// What is in use, mappings included, and what may be resident besides: a hint.
Use use_hint();

// Purges free pages of all zones until at most `target` are dirty. Returns how many pages that were.
PageCount purge_all(PageCount target);

}  // namespace ashlar::page
