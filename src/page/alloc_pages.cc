// page: what ashlar_alloc_pages serves, see the header.
#include "page/alloc_pages.h"

#include "page/zone.h"

namespace ashlar::page {

Run alloc_pages(Node& node, PageCount count, std::size_t alignment, Fallback fallback) {
  const Run run = alloc_run(node, count, alignment, fallback);
  if (run) descriptor_of(run.first)->run.from_alloc_pages = true;  // nobody else knows the run yet
  return run;
}

bool free_pages(PageId first, PageCount count) {
  Page* const page = descriptor_of(first);
  if (page == nullptr || page->state != PageState::kRun) return false;
  {
    const Guard guard(arena_of(page).zone->lock);
    if (page->state != PageState::kRun || !page->run.from_alloc_pages || page->run.pages != count.raw) return false;
    page->run.from_alloc_pages = false;  // two threads free it at once: the second comes too late
  }
  return free_run(first);
}

}  // namespace ashlar::page
