// page: what other layers call: slabs' pages, runs, counts, limits.
#include <bit>

#include "os/sanitizers.h"
#include "page/limit.h"
#include "page/pcp.h"
#include "page/reclaim.h"
#include "page/zone.h"

namespace ashlar::page {

namespace {

constexpr PageCount kPurgedAlong{1024};  // that a request may have to purge beyond its own number

// Any place will do, by which sanitizers are told that pages go from thread to thread.
void* pages_in_order() { return &limits; }

std::uint32_t as_index(PageCount n) { return static_cast<std::uint32_t>(n.raw); }

// What is in use and what may be resident besides, of all zones; of one under its lock, the others as they hint.
Use use_of_all(Zone& zone) ASHLAR_REQUIRES(zone.lock) {
  Use use{zone.live() + PageCount(reclaim.pages_outside.load(std::memory_order_relaxed)), zone.dirty_free()};
  for_zones([&](const Zone& other) {
    if (&other == &zone) return;
    use.live += other.live_hint();
    use.dirty += other.dirty_hint();
  });
  return use;
}

// True when `wanted` more pages keep within the memory cgroup's limit. Called with the zone's lock, which it drops
// where it must ask the system. Of free pages that are still resident, which count for the kernel too, it purges what
// the request needs, and some more while there are too many.
bool admit(Zone& zone, PageCount wanted) ASHLAR_REQUIRES(zone.lock) {
  ASHLAR_ASSERT(zone.lock.held(), "the zone's lock is held");
  const Use use = use_of_all(zone);
  if (options.memcg == 0) return true;
  const PageCount total = use.live + use.dirty + wanted;
  if (total.raw <= limits.next_check.load(std::memory_order_relaxed) && takes_grant(wanted)) return true;
  zone.lock.unlock();
  const Allowance allowance = ask_limit(use, wanted);
  if (allowance.excess.raw != 0) {
    const PageCount max = wanted + kPurgedAlong;
    purge_all(use.dirty.above(allowance.excess < max ? allowance.excess : max));
  }
  zone.lock.lock();
  return allowance.granted;
}

}  // namespace

std::uintptr_t page_address(const Page* page) {
  const Arena& arena = arena_of(page);
  return arena.address_of(arena.index_of(page));
}

namespace {

// Calls take for the node, and then, if that gives nothing and others may serve, for those by distance.
template <class Take>
auto take_by_zonelist(Node& node, Fallback fallback, Take take) {
  auto taken = take(node.normal);
  if (!taken && fallback == Fallback::kZonelist) {
    for_other_nodes(node, [&](Node& other) { return static_cast<bool>(taken = take(other.normal)); });
  }
  return taken;
}

enum class Growth : bool { kNone, kExpected };

Run take_run(Zone& zone, PageCount count, std::size_t alignment, Growth growth, PageId& damaged) {
  const Guard guard(zone.lock);
  const PageAlign align(as_index(PageCount::ceil(alignment)));
  if (!admit(zone, count)) return {};
  const bool grows = growth == Growth::kExpected;
  Page* const page = grows ? zone.take_growing(as_index(count)) : zone.take_exact(as_index(count), align);
  if (page == nullptr) return {};
  tally::count(tally::Event::kRunFromZone);
  Arena& arena = arena_of(page);
  const PageIndex first = arena.index_of(page);
  // what MADV_FREE took may still be there
  const bool zeroed = purged_is_zero() && arena.count_dirty(first, as_index(count)) == 0;
  page->state = PageState::kRun;
  page->run = {as_index(count), false, false, 0};
  page->owner = nullptr;
  const PageId id = arena.id_of(first);
  damaged = zone.watch.end(id, count);
  return {id, count, zeroed, false, false};
}

Page* take_slab(Zone& zone, Order order, PageId& damaged) {
  const Guard guard(zone.lock);
  Page* const page = admit(zone, order.pages()) ? zone.take(order) : nullptr;
  if (page == nullptr) return nullptr;
  tally::count(tally::Event::kSlabFromZone);
  page->state = PageState::kSlab;
  damaged = zone.watch.end(PageId::of(page_address(page)), order.pages());
  return page;
}

}  // namespace

Page* alloc_slab_pages(Node& node, Order order, Fallback fallback) {
  PageId damaged;
  Page* const page = take_by_zonelist(node, fallback, [&](Zone& zone) { return take_slab(zone, order, damaged); });
  tell_damaged(damaged);
  os::take_over(pages_in_order());
  return page;
}

void free_slab_pages(Page* slab, PageCount touched) {
  ASHLAR_ASSERT(state_of(slab) == PageState::kSlab, "a slab's pages are freed once");
  ASHLAR_ASSERT(touched <= slab->order.pages(), "no more pages of a slab were touched than it has");
  Arena& arena = arena_of(slab);
  Zone& zone = *arena.zone;
  os::hand_over(pages_in_order());
  zone.lock.lock();
  const PageIndex first = arena.index_of(slab);
  tally::count(tally::Event::kSlabToZone);
  arena.set_dirty(first, as_index(touched), true);
  zone.free_range(arena, first, as_index(slab->order.pages()));
  zone.lock.unlock();
  zone.balance();
}

Run alloc_run(Node& node, PageCount count, std::size_t alignment, Fallback fallback) {
  if (count > kMaxRun || alignment > kArenaAlign) return {};
  PageId damaged;
  Run run;
  if (pcp_may_hold(count, alignment)) run = pcp_take(count, node.id, damaged);
  const auto take = [&](Zone& zone) { return take_run(zone, count, alignment, Growth::kNone, damaged); };
  if (!run) run = take_by_zonelist(node, fallback, take);
  tell_damaged(damaged);
  os::take_over(pages_in_order());
  return run;
}

[[ASHLAR_SELDOM_RUN]] Run alloc_growing_run(Node& node, PageCount count) {
  if (count > kMaxRun) return {};
  PageId damaged;
  const auto take = [&](Zone& zone) { return take_run(zone, count, kPageBytes, Growth::kExpected, damaged); };
  const Run run = take_by_zonelist(node, Fallback::kZonelist, take);
  tell_damaged(damaged);
  os::take_over(pages_in_order());
  return run;
}

Run find_run_around(PageId page) {
  for (std::size_t back = 0; back < kMaxRun.raw && back <= page.raw; ++back) {
    const PageId first(page.raw - back);
    if (const Run run = find_run(first)) return back < run.count.raw ? run : Run{};
    if (descriptor_of(first) == nullptr) return {};
  }
  return {};
}

namespace {

RunEnd end_run(PageId first, bool (*zero)(PageId page)) {
  Page* const page = run_head(first);
  if (page == nullptr) return RunEnd::kNone;
  os::hand_over(pages_in_order());
  if (zero != nullptr && pcp_may_hold(PageCount(run_pages(page)), kPageBytes)) {
    const RunEnd end = pcp_put(page, first);
    if (end != RunEnd::kRefused) return end;
  }
  Arena& arena = arena_of(page);
  Zone& zone = *arena.zone;
  RunEnd end = RunEnd::kNone;  // two threads free it at once: the second comes too late
  zone.lock.lock();
  if (state_of(page) == PageState::kRun) {
    const PageIndex index = arena.index_of(page);
    end = zero != nullptr && zone.clean_before(arena, index) && !zero(PageId(first.raw - 1)) ? RunEnd::kRefused
                                                                                             : RunEnd::kDone;
    if (end == RunEnd::kDone && !claim_run(page, PageState::kNone)) end = RunEnd::kNone;
    if (end == RunEnd::kDone) {
      if (zero != nullptr) zone.watch.add(first);
      zone.free_run(arena, index, page->run.pages);
      tally::count(tally::Event::kRunToZone);
    }
  }
  zone.lock.unlock();
  if (end == RunEnd::kDone) zone.balance();
  return end;
}

}  // namespace

bool free_run(PageId first) { return end_run(first, nullptr) == RunEnd::kDone; }

RunEnd free_watched_run(PageId first, bool (*zero)(PageId page)) { return end_run(first, zero); }

[[ASHLAR_SELDOM_RUN]] bool resize_run(PageId first, PageCount count) {
  Page* const page = run_head(first);
  Arena& arena = arena_of(page);
  Zone& zone = *arena.zone;
  zone.lock.lock();
  const PageIndex index = arena.index_of(page);
  const std::uint32_t old = page->run.pages;
  const std::uint32_t wanted = as_index(count);
  bool done = true;
  PageId damaged;
  if (wanted < old) {
    zone.free_run(arena, index + wanted, old - wanted);
  } else if (wanted > old) {
    done = !zone.grows_for_less_elsewhere(arena, index, old, wanted) && admit(zone, PageCount(wanted - old)) &&
           zone.take_range(arena, index + old, wanted - old);
    if (done) damaged = zone.watch.end(PageId(first.raw + old), PageCount(wanted - old));
  }
  if (done) page->run.pages = wanted;
  if (done && wanted > old) zone.note_growing(page, wanted);
  zone.lock.unlock();
  tell_damaged(damaged);
  if (wanted < old) zone.balance();
  return done;
}

ZoneCounts counts() {
  ZoneCounts all;
  for_zones([&](Zone& zone) {
    const Guard guard(zone.lock);
    zone.fill(all);
  });
  const PageCount at_hand = pcp_pages();
  all.free += at_hand;
  all.dirty_free += at_hand;
  all.metadata_bytes = metadata_mapped();
  return all;
}

ZoneCounts counts(NodeId node) {
  ZoneCounts own;
  own.free = own.dirty_free = pcp_pages(node);
  Zone& zone = node_at(node).normal;
  const Guard guard(zone.lock);
  zone.fill(own);
  return own;
}

void account_outside(PageCount added, PageCount removed) {
  reclaim.pages_outside.fetch_add(added.raw - removed.raw, std::memory_order_relaxed);  // a figure, publishes nothing
  if (removed > added) note_limit_left(removed - added);
}

[[ASHLAR_SELDOM_RUN]] bool over_memory_limit(PageCount wanted) {
  const Guard guard(normal_zone.lock);
  return !admit(normal_zone, wanted);
}

}  // namespace ashlar::page
