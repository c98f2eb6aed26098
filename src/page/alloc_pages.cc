// page: what ashlar_alloc_pages serves, see the header.
#include "page/alloc_pages.h"

#include <atomic>

#include "page/zone.h"

namespace ashlar::page {

Run alloc_pages(Node& node, PageCount count, std::size_t alignment, Fallback fallback) {
  const Run run = alloc_run(node, count, alignment, fallback);
  if (!run) return run;
  Page* const page = descriptor_of(run.first);
  page->run.references = 1;  // nobody else knows the run yet
  page->run.from_alloc_pages = true;
  return run;
}

namespace {

enum class Put { kNone, kHeld, kLast };

std::atomic_ref<std::uint32_t> references(Page* page) { return std::atomic_ref(page->run.references); }

// `count` 0 means any.
Put put(Page* page, PageCount count) {
  const Guard guard(arena_of(page).zone->lock);
  if (page->state != PageState::kRun || !page->run.from_alloc_pages) return Put::kNone;
  if (count.raw != 0 && page->run.pages != count.raw) return Put::kNone;
  // release, acquire: the last holder's free comes after all that the others did with the pages
  if (references(page).fetch_sub(1, std::memory_order_acq_rel) > 1) return Put::kHeld;
  page->run.from_alloc_pages = false;  // two threads free it at once: the second comes too late
  return Put::kLast;
}

bool put_run(PageId first, PageCount count, Fill* fill) {
  Page* const page = run_head(first);
  const Put done = page != nullptr ? put(page, count) : Put::kNone;
  if (done != Put::kLast) return done == Put::kHeld;
  if (fill != nullptr) fill(first, PageCount(page->run.pages));  // no other thread has the run now
  return free_run(first);
}

}  // namespace

bool put_pages(PageId first, Fill* fill) { return put_run(first, PageCount(0), fill); }
bool free_pages(PageId first, PageCount count, Fill* fill) { return count.raw != 0 && put_run(first, count, fill); }

bool get_pages(PageId first) {
  Page* const page = run_head(first);
  if (page == nullptr || !page->run.from_alloc_pages) return false;
  references(page).fetch_add(1, std::memory_order_relaxed);  // the caller's own keeps the run
  return true;
}

std::uint32_t references_to(PageId first) {
  Page* const page = run_head(first);
  return page != nullptr && page->run.from_alloc_pages ? references(page).load(std::memory_order_relaxed) : 0;
}

}  // namespace ashlar::page
