// page: blocks that programs ask for by name.
#include "page/blocks.h"

#include "page/zone.h"

namespace ashlar::page {

Run alloc_block(Node& node, PageCount count, std::size_t alignment, Fallback fallback) {
  const Run run = alloc_run(node, count, alignment, fallback);
  if (run) descriptor_of(run.first)->run.is_block = true;  // nobody else knows the run yet
  return run;
}

bool free_block(PageId first, PageCount count) {
  Page* const page = descriptor_of(first);
  if (page == nullptr || page->state != PageState::kRun) return false;
  {
    const Guard guard(arena_of(page).zone->lock);
    if (page->state != PageState::kRun || !page->run.is_block || page->run.pages != count.raw) return false;
    page->run.is_block = false;  // two threads free it at once: the second comes too late
  }
  return free_run(first);
}

}  // namespace ashlar::page
