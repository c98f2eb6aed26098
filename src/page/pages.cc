// page: what other layers call: slabs' pages, runs, counts, limits.
#include <bit>

#include "base/hints.h"
#include "os/sanitizers.h"
#include "page/limit.h"
#include "page/pcp.h"
#include "page/reclaim.h"
#include "page/swap_area.h"

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
[[ASHLAR_ALWAYS_RUN]] bool admit(Zone& zone, PageCount wanted) ASHLAR_REQUIRES(zone.lock) {
  ASHLAR_ASSERT(zone.lock.held(), "the zone's lock is held");
  if (zone.swap != nullptr) return zone.swap->is_on();  // the kernel reclaims what files back
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
  if (!allowance.granted && swap_is_on()) zone.note_refused(as_index(wanted));
  return allowance.granted;
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] std::uintptr_t page_address(const Page* page) {
  const Arena& arena = arena_of(page);
  return arena.address_of(arena.index_of(page));
}

namespace {

// Whether swap areas may serve a request that no node served. A slab of one belongs to node 0, as their arenas do: the
// other nodes' parts of a cache are asked before.
[[ASHLAR_SELDOM_RUN]] bool may_swap(const Node& node, Fallback fallback) {
  if (fallback == Fallback::kZonelist || node_count() == 1) return true;
  bool refused = node.id == NodeId(0);
  for_zones([&](const Zone& zone) { refused &= zone.refused_lately(); });
  return refused;
}

bool is_huge_zone_wanted() {
  const HugePages how = options.hugepages;
  return how == HugePages::kDense || how >= HugePages::kReserved;
}

// Calls take for a node's zones: Huge, where that is wanted and serves, then Normal.
template <class Take>
[[gnu::always_inline]] inline auto take_on(Node& node, Take take) {
  if (is_huge_zone_wanted()) [[unlikely]] {
    Zone* const huge = huge_zone(node);
    if (huge != nullptr) {
      if (auto taken = take(*huge)) return taken;
    }
  }
  return take(node.normal);
}

// Calls take for the node, and then, if that gives nothing and others may serve, for those by distance.
template <class Take>
auto take_by_zonelist(Node& node, Fallback fallback, Take take) {
  auto taken = take_on(node, take);
  if (!taken && fallback == Fallback::kZonelist) {
    for_other_nodes(node, [&](Node& other) { return static_cast<bool>(taken = take_on(other, take)); });
  }
  return taken;
}

enum class Growth : std::uint8_t { kNone, kExpected, kWide };

// Gives pages of a swap area room in its file. Without, they are free again.
[[ASHLAR_SELDOM_RUN]] bool back(Zone& zone, Page* head, std::uint32_t count) ASHLAR_REQUIRES(zone.lock) {
  if (zone.back_by_file(head, count)) return true;
  Arena& arena = arena_of(head);
  zone.free_range(arena, arena.index_of(head), count);
  return false;
}

[[ASHLAR_ALWAYS_RUN]] Run take_run(Zone& zone, PageCount count, std::size_t alignment, Growth growth, PageId& damaged) {
  const Guard guard(zone.lock);
  const PageAlign align(as_index(PageCount::ceil(alignment)));
  if (!admit(zone, count)) return {};
  const std::uint32_t n = as_index(count);
  Page* const page = growth == Growth::kExpected ? zone.take_growing(n)
                     : growth == Growth::kWide   ? zone.take_wide(n)
                                                 : zone.take_exact(n, align);
  if (page == nullptr) return {};
  tally::count(tally::Event::kRunFromZone);
  Arena& arena = arena_of(page);
  const PageIndex first = arena.index_of(page);
  // what MADV_FREE took may still be there
  const bool zeroed = purged_is_zero() && arena.count_dirty(first, as_index(count)) == 0 && !arena.pinned;
  if (zone.swap != nullptr && !back(zone, page, as_index(count))) return {};
  page->state = PageState::kRun;
  page->run = {as_index(count), false, false, 0};
  page->owner = nullptr;
  const PageId id = arena.id_of(first);
  damaged = zone.watch.end(id, count);
  return {id, count, zeroed, false, false};
}

[[ASHLAR_ALWAYS_RUN]] Page* take_slab(Zone& zone, Order order, PageId& damaged) {
  const Guard guard(zone.lock);
  Page* const page = admit(zone, order.pages()) ? zone.take(order) : nullptr;
  if (page == nullptr) return nullptr;
  if (zone.swap != nullptr && !back(zone, page, as_index(order.pages()))) return nullptr;
  tally::count(tally::Event::kSlabFromZone);
  page->state = PageState::kSlab;
  damaged = zone.watch.end(PageId::of(page_address(page)), order.pages());
  return page;
}

// What the zonelist ends with. Out of line: no small process runs it.
[[ASHLAR_SELDOM_RUN, gnu::noinline]] Page* slab_from_swap(const Node& node, Order order, Fallback fallback,
                                                          PageId& damaged) {
  if (!may_swap(node, fallback)) return nullptr;
  return take_from_swap([&](Zone& zone) { return take_slab(zone, order, damaged); });
}

[[ASHLAR_SELDOM_RUN, gnu::noinline]] Run run_from_swap(PageCount count, std::size_t alignment, Growth growth,
                                                       PageId& damaged) {
  return take_from_swap([&](Zone& zone) { return take_run(zone, count, alignment, growth, damaged); });
}

// The zonelist with swap areas at its end, or at its beginning for large runs where a zone is short.
[[ASHLAR_SELDOM_RUN, gnu::noinline]] Run run_beside_swap(Node& node, PageCount count, std::size_t alignment,
                                                         Fallback fallback, PageId& damaged) {
  const auto take = [&](Zone& zone) { return take_run(zone, count, alignment, Growth::kNone, damaged); };
  Run run;
  const bool may_swap = fallback == Fallback::kZonelist;
  if (may_swap && node.normal.is_short_for(as_index(count))) run = take_from_swap(take);
  if (!run) run = take_by_zonelist(node, fallback, take);
  if (!run && may_swap) run = take_from_swap(take);
  return run;
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] Page* alloc_slab_pages(Node& node, Order order, Fallback fallback) {
  PageId damaged;
  Page* page = take_by_zonelist(node, fallback, [&](Zone& zone) { return take_slab(zone, order, damaged); });
  if (page == nullptr && swap_is_on()) [[unlikely]]
    page = slab_from_swap(node, order, fallback, damaged);
  tell_damaged(damaged);
  os::take_over(pages_in_order());
  return page;
}

[[ASHLAR_RUN_LATER]] void free_slab_pages(Page* slab, PageCount touched) {
  ASHLAR_ASSERT(state_of(slab) == PageState::kSlab, "a slab's pages are freed once");
  ASHLAR_ASSERT(touched <= slab->order.pages(), "no more pages of a slab were touched than it has");
  Arena& arena = arena_of(slab);
  Zone& zone = *arena.zone;
  os::hand_over(pages_in_order());
  zone.lock.lock();
  const PageIndex first = arena.index_of(slab);
  tally::count(tally::Event::kSlabToZone);
  if (!arena.pinned) arena.set_dirty(first, as_index(touched), true);
  zone.free_range(arena, first, as_index(slab->order.pages()));
  zone.lock.unlock();
  zone.balance();
}

[[ASHLAR_RUN_LATER]] Run alloc_run(Node& node, PageCount count, std::size_t alignment, Fallback fallback) {
  if (count > kMaxRun || alignment > kArenaAlign) return {};
  PageId damaged;
  Run run;
  if (pcp_may_hold(count, alignment)) run = pcp_take(count, node.id, damaged);
  const auto take = [&](Zone& zone) { return take_run(zone, count, alignment, Growth::kNone, damaged); };
  if (!run && swap_is_on()) [[unlikely]]
    run = run_beside_swap(node, count, alignment, fallback, damaged);
  else if (!run) run = take_by_zonelist(node, fallback, take);
  tell_damaged(damaged);
  os::take_over(pages_in_order());
  return run;
}

[[ASHLAR_SELDOM_RUN]] Run alloc_swap_run(PageCount count, std::size_t alignment) {
  if (count > kMaxSwapRun || alignment > kArenaAlign) return {};
  PageId damaged;
  Run run = run_from_swap(count, alignment, Growth::kNone, damaged);
  if (!run && count > kMaxRun) {
    // what is free becomes blocks
    for_swap_areas([](SwapArea& area) { area.zone.purge(PageCount(), AgeMs()); });
    run = run_from_swap(count, alignment, Growth::kWide, damaged);
  }
  tell_damaged(damaged);
  os::take_over(pages_in_order());
  return run;
}

[[ASHLAR_SELDOM_RUN]] Run alloc_growing_run(Node& node, PageCount count) {
  if (count > kMaxRun) return {};
  PageId damaged;
  const auto take = [&](Zone& zone) { return take_run(zone, count, kPageBytes, Growth::kExpected, damaged); };
  Run run = take_by_zonelist(node, Fallback::kZonelist, take);
  if (!run && swap_is_on()) run = run_from_swap(count, kPageBytes, Growth::kExpected, damaged);
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

[[ASHLAR_ALWAYS_RUN]] RunEnd end_run(PageId first, bool (*zero)(PageId page)) {
  Page* const page = run_head(first);
  if (page == nullptr) return RunEnd::kNone;
  os::hand_over(pages_in_order());
  const bool listed = zero != nullptr && pcp_may_hold(PageCount(run_pages(page)), kPageBytes);
  if (listed && arena_of(page).zone->swap == nullptr) {
    const RunEnd end = pcp_put(page, first);
    if (end != RunEnd::kRefused) return end;
  }
  Arena& arena = arena_of(page);
  Zone& zone = *arena.zone;
  RunEnd end = RunEnd::kNone;  // two threads free it at once: the second comes too late
  zone.lock.lock();
  if (state_of(page) == PageState::kRun) {
    const PageIndex index = arena.index_of(page);
    // no page of a swap area is looked at, which might be read from the disk
    if (zone.swap != nullptr) zero = nullptr;
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

[[ASHLAR_ALWAYS_RUN]] bool free_run(PageId first) { return end_run(first, nullptr) == RunEnd::kDone; }

[[ASHLAR_ALWAYS_RUN]] RunEnd free_watched_run(PageId first, bool (*zero)(PageId page)) { return end_run(first, zero); }

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
    if (done && zone.swap != nullptr) done = back(zone, page + old, wanted - old);
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
  for_zones_of(node_at(node), [&](Zone& zone) {
    const Guard guard(zone.lock);
    zone.fill(own);
  });
  return own;
}

[[ASHLAR_ALWAYS_RUN]] void account_outside(PageCount added, PageCount removed) {
  reclaim.pages_outside.fetch_add(added.raw - removed.raw, std::memory_order_relaxed);  // a figure, publishes nothing
  if (removed > added) note_limit_left(removed - added);
}

[[ASHLAR_SELDOM_RUN]] bool over_memory_limit(PageCount wanted) {
  const Guard guard(normal_zone.lock);
  return !admit(normal_zone, wanted);
}

}  // namespace ashlar::page
