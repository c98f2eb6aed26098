// page: watching free pages, and what is known of the page before a run.
#include "page/watch.h"

#include "base/hints.h"
#include "page/pcp.h"
#include "page/zone.h"

namespace ashlar::page {

namespace {

// Release, acquire: publishes what the watcher needs.
constinit std::atomic<const Watcher*> watcher{nullptr};

}  // namespace

[[ASHLAR_ALWAYS_RUN]] bool is_damaged(PageId page) {
  const Watcher* const w = watcher.load(std::memory_order_acquire);
  return w != nullptr && !w->intact(page);
}

[[ASHLAR_ALWAYS_RUN]] void set_watcher(const Watcher& w) {
  watcher.store(&w, std::memory_order_release);  // pairs with the acquire in is_damaged
}

[[ASHLAR_ALWAYS_RUN]] void tell_damaged(PageId page) {
  if (page.raw != 0) watcher.load(std::memory_order_acquire)->damaged(page);
}

[[ASHLAR_ALWAYS_RUN]] void Watch::add(PageId page) {
  if (pages_[next_].raw == 0) ++count_;
  pages_[next_] = page;
  next_ = (next_ + 1) % kMax;
}

[[ASHLAR_ALWAYS_RUN]] PageId Watch::end_some(PageId first, PageCount count) {
  PageId damaged;
  for (PageId& page : pages_) {
    if (page.raw == 0 || page.raw - first.raw >= count.raw) continue;
    if (is_damaged(page)) damaged = page;
    page = {};
    --count_;
  }
  return damaged;
}

[[ASHLAR_ALWAYS_RUN]] PageId Watch::find_damaged() const {
  for (const PageId page : pages_) {
    if (page.raw != 0 && is_damaged(page)) return page;
  }
  return {};
}

[[ASHLAR_ALWAYS_RUN]] void check_watched() {
  PageId damaged = pcp_find_damaged();
  for_zones([&](Zone & zone) __attribute__((always_inline)) {
    // a thread that holds it may never let go: it stands still, or is not there in the child of _Fork(3)
    if (!zone.lock.try_lock()) return;
    if (damaged.raw == 0) damaged = zone.watch.find_damaged();
    zone.lock.unlock();
  });
  tell_damaged(damaged);
}

[[ASHLAR_ALWAYS_RUN]] bool Zone::clean_before(Arena& arena, PageIndex index) {
  if (index == PageIndex() || !purged_is_zero() || arena.pinned) return false;
  const PageIndex before = index - 1;
  if (arena.count_dirty(before, 1) != 0) return false;
  return (&arena == last_ && before >= rest_ && before < rest_end_) || free_block_around(arena, before) != nullptr;
}

}  // namespace ashlar::page
