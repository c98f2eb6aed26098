// page: runs of which a layer above keeps a structure of its own: malloc's functions leave them to it. The marks are
// read relaxed: a block's user got its address after they were set, and for a stray address any answer will do.
#pragma once

#include "page/page.h"

namespace ashlar::page {

inline void set_owned(Page* page, void* owner, bool owned) {
  std::atomic_ref(page->owner).store(owner, std::memory_order_relaxed);
  std::atomic_ref(page->run.owned).store(owned, std::memory_order_relaxed);
}

// As alloc_run. The run's descriptor leads to `owner`.
inline Run alloc_owned_run(Node& node, PageCount count, std::size_t alignment, void* owner) {
  const Run run = alloc_run(node, count, alignment);
  if (run) set_owned(descriptor_of(run.first), owner, true);
  return run;
}

// What the owned run that starts at a page leads to, or null. `first` may be any page number, of a page that another
// thread takes and frees meanwhile, too. Then these loads meet its plain stores of other members of the descriptor. The
// result is null, an owner, a descriptor's link, which is a multiple of 32, or what the taker of another run keeps
// there, whose lowest bit is clear. It is no owner of a run that ended before the caller's block began, as the end of a
// run clears its owner. TSan is told to leave the loads alone.
__attribute__((no_sanitize("thread"))) inline void* owner_of_run(PageId first) {
  const Page* const page = descriptor_of(first);
  if (page == nullptr) return nullptr;
  PageState state{};
  __atomic_load(&page->state, &state, __ATOMIC_RELAXED);
  if (state != PageState::kRun || !__atomic_load_n(&page->run.owned, __ATOMIC_RELAXED)) return nullptr;
  return __atomic_load_n(&page->owner, __ATOMIC_RELAXED);
}

// Frees an owned run, which the caller alone knows.
inline void free_owned_run(PageId first) {
  set_owned(descriptor_of(first), nullptr, false);
  free_run(first);
}

}  // namespace ashlar::page
