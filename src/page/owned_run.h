// page: runs of which a layer above keeps a structure of its own: malloc's functions leave them to it. The marks are
// read relaxed: a block's user got its address after they were set, and for a stray address any answer will do.
#pragma once

#include "page/page.h"

namespace ashlar::page {

inline void set_owned(Page* page, void* owner, bool owned) {
  if (owned) std::atomic_ref(page->owner).store(owner, std::memory_order_relaxed);
  std::atomic_ref(page->run.owned).store(owned, std::memory_order_relaxed);
}

// As alloc_run. The run's descriptor leads to `owner`.
inline Run alloc_owned_run(Node& node, PageCount count, std::size_t alignment, void* owner) {
  const Run run = alloc_run(node, count, alignment);
  if (run) set_owned(descriptor_of(run.first), owner, true);
  return run;
}

// What the owned run that starts at a page leads to, or null. `first` may be any page number.
inline void* owner_of_run(PageId first) {
  Page* const page = run_head(first);
  if (page == nullptr || !std::atomic_ref(page->run.owned).load(std::memory_order_relaxed)) return nullptr;
  return std::atomic_ref(page->owner).load(std::memory_order_relaxed);
}

// Frees an owned run, which the caller alone knows.
inline void free_owned_run(PageId first) {
  set_owned(descriptor_of(first), nullptr, false);
  free_run(first);
}

}  // namespace ashlar::page
