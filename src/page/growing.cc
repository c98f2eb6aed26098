// page: runs that grow, in place or by a move to where they can.
#include "page/zone.h"

namespace ashlar::page {

namespace {

// What a growing run is to find, in its lengths: it moves once per doubling at most.
constexpr std::uint32_t kGrowthFactor = 2;
constexpr std::uint32_t kCopiesPerFault = 8;  // pages copied in the time of one page fault

constexpr std::uint32_t pages_of(Order order) { return static_cast<std::uint32_t>(order.pages().raw); }

}  // namespace

[[ASHLAR_SELDOM_RUN]] bool Zone::take_range(Arena& arena, PageIndex first, std::uint32_t count) {
  ASHLAR_ASSERT(lock.held(), "the zone's lock is held");
  const PageIndex end = first + count;
  if (end > arena.end()) return false;
  if (huge && !arena.pinned && arena.count_dirty(first, count) != count)
    return false;  // a unit is begun by cut_out alone
  Page* const behind = arena.page_at(first);
  if (state_of(behind) == PageState::kExtent && behind->extent.pages >= count) {
    const Moment since = behind->extent.since;
    const std::uint32_t rest = remove_extent(behind) - count;
    if (rest > 0) add_extent(arena, end, rest, since);
    return true;
  }
  if (&arena == last_ && end == rest_end_ && first >= rest_) {
    free_ -= PageCount(count);
    rest_end_ = first;
    return true;
  }
  while (&arena == last_ && first <= rest_ && rest_ < end && extend()) {
  }
  for (PageIndex at = first; at < end;) {
    const Page* const block = free_block_around(arena, at);
    if (block == nullptr) return false;
    at = arena.index_of(block) + pages_of(block->order);
  }
  for (PageIndex at = first; at < end;) {
    Page* const block = free_block_around(arena, at);
    const PageIndex start = arena.index_of(block);
    const PageIndex stop = start + pages_of(block->order);
    unlink(block);
    if (start < first) free_range(arena, start, first - start);
    if (stop > end) free_range(arena, end, stop - end);
    at = stop;
  }
  return true;
}

[[ASHLAR_SELDOM_RUN]] Page* Zone::take_growing(std::uint32_t count) {
  Page* const extent = extents_.find(kGrowthFactor * count);
  if (extent == nullptr) return take_exact(count, PageAlign());
  Page* const head = cut_extent(extent, count, PageAlign());
  note_growing(head, count);
  return head;
}

[[ASHLAR_SELDOM_RUN]] bool Zone::grows_for_less_elsewhere(Arena& arena, PageIndex first, std::uint32_t count,
                                                          std::uint32_t wanted) const {
  const std::uint32_t more = wanted - count;
  if (arena.pinned || first + wanted > arena.end()) return false;
  const std::uint32_t faults = more - arena.count_dirty(first + count, more);
  return faults * kCopiesPerFault >= count && extents_.find(kGrowthFactor * wanted) != nullptr;
}

}  // namespace ashlar::page
