// page: the buddy allocator of a zone.
#include "page/zone.h"

#include <bit>
#include <utility>

#include "base/hints.h"

namespace ashlar::page {

constinit Zone normal_zone;

namespace {

// From this size on a run is cut off at the far end of an arena's rest: small blocks stay together, and few
// descriptors are touched.
constexpr std::uint32_t kLargeRun = 256;
constexpr unsigned kJoinLooks = 8;  // extents that are looked at for one that can be joined with clean pages

constexpr std::uint32_t pages_of(Order order) { return static_cast<std::uint32_t>(order.pages().raw); }

// The largest order whose block may start at `index` and does not pass `count` pages.
Order largest_piece(PageIndex index, std::uint32_t count) {
  const auto by_size = static_cast<unsigned>(std::bit_width(count)) - 1;
  const auto by_place =
      index == PageIndex() ? unsigned{kMaxOrder.raw} : static_cast<unsigned>(std::countr_zero(index.raw));
  const unsigned min = by_size < by_place ? by_size : by_place;
  return min < kMaxOrder.raw ? Order(min) : kMaxOrder;
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] void Zone::link(Page* block, std::uint32_t dirty, Moment since) {
  ASHLAR_ASSERT(lock.held(), "the zone's lock is held");
  ASHLAR_ASSERT(block->order <= kMaxOrder && dirty <= pages_of(block->order),
                "a block has no more dirty pages than pages");
  ASHLAR_ASSERT(arena_of(block).index_of(block).is_aligned(pages_of(block->order)), "a block is aligned to its size");
  ASHLAR_ASSERT(arena_of(block).zone == this, "a block lies in an arena of its zone");
  block->state = PageState::kFree;
  block->free_block = {since, static_cast<std::uint16_t>(dirty)};
  FreeArea& area = areas_[block->order.raw];
  put_by_age(dirty != 0 ? area.dirty : area.clean, block, [](const Page& page) { return page.free_block.since; });
  dirty_free_ += PageCount(dirty);
  free_ += block->order.pages();
  ++free_blocks_;
}

[[ASHLAR_ALWAYS_RUN]] void Zone::unlink(Page* block) {
  ASHLAR_ASSERT(lock.held(), "the zone's lock is held");
  ASHLAR_ASSERT(state_of(block) == PageState::kFree, "a block in a free area is free");
  ASHLAR_ASSERT(dirty_free_.raw >= block->free_block.dirty_pages && free_ >= block->order.pages() && free_blocks_ > 0,
                "the zone counts the block that leaves its free areas");
  FreeArea& area = areas_[block->order.raw];
  (block->free_block.dirty_pages != 0 ? area.dirty : area.clean).remove(block);
  block->state = PageState::kNone;
  dirty_free_ -= PageCount(block->free_block.dirty_pages);
  free_ -= block->order.pages();
  --free_blocks_;
}

// Frees one aligned block, merging it with its buddies as far as they are free. The age is the mean
// of the resident pages. Returns the block that came of it.
[[ASHLAR_ALWAYS_RUN]] Page* Zone::insert(Arena& arena, PageIndex index, Order order, Moment since) {
  ASHLAR_ASSERT(index.is_aligned(pages_of(order)) && index + pages_of(order) <= arena.end(),
                "a block is aligned to its size and lies in its arena");
  std::uint32_t dirty = arena.count_dirty(index, pages_of(order));
  while (order < kMaxOrder) {
    const PageIndex buddy_index(index.raw ^ pages_of(order));
    if (buddy_index + pages_of(order) > arena.end()) break;
    Page* const buddy = arena.page_at(buddy_index);
    if (state_of(buddy) != PageState::kFree || buddy->order != order) break;
    const auto& other = buddy->free_block;
    if (other.dirty_pages != 0) since = mean_of(since, dirty, other.since, other.dirty_pages);
    dirty += buddy->free_block.dirty_pages;
    unlink(buddy);
    index = PageIndex(index.raw & ~pages_of(order));
    order = Order(order.raw + 1u);
  }
  Page* const head = arena.page_at(index);
  head->arena = arena.number();
  head->order = order;
  link(head, dirty, since);
  return head;
}

[[ASHLAR_ALWAYS_RUN]] void Zone::free_blocks(Arena& arena, PageIndex first, std::uint32_t count, Moment since) {
  ASHLAR_ASSERT(arena.zone == this && first + count <= arena.end(), "the pages lie in an arena of the zone");
  ASHLAR_ASSERT(count <= live().raw, "no more pages come back than are in use");
  while (count > 0) {
    const Order order = largest_piece(first, count);
    arena.page_at(first)->state = PageState::kNone;
    insert(arena, first, order, since);
    first += pages_of(order);
    count -= pages_of(order);
  }
}

[[ASHLAR_ALWAYS_RUN]] void Zone::free_range(Arena& arena, PageIndex first, std::uint32_t count) {
  const std::uint64_t now_ms = os::now_ms();
  free_blocks(arena, first, count, Moment(now_ms));
  note_shrinking(now_ms);
}

// The smallest free block that holds the order, of those with resident pages or without.
Page* Zone::find_dirty(Order order) {
  for (unsigned o = order.raw; o <= kMaxOrder.raw; ++o) {
    if (Page* const block = areas_[o].dirty.front()) return block;
  }
  return nullptr;
}

Page* Zone::find_clean(Order order) {
  for (unsigned o = order.raw; o <= kMaxOrder.raw; ++o) {
    if (Page* const block = areas_[o].clean.front()) return block;
  }
  return nullptr;
}

// Halves an unlinked block down to an order, keeping the half with more resident pages and freeing the other.
[[ASHLAR_ALWAYS_RUN]] Page* Zone::split(Page* block, Order to) {
  ASHLAR_ASSERT(block->order >= to, "a block is split into smaller ones");
  Arena& arena = arena_of(block);
  const Moment since = block->free_block.since;
  const auto number = block->arena;
  std::uint32_t dirty = block->free_block.dirty_pages;
  while (block->order > to) {
    const Order half(block->order.raw - 1u);
    Page* upper = block + pages_of(half);
    std::uint32_t lower_dirty = dirty;
    if (dirty == pages_of(block->order)) lower_dirty = dirty / 2;
    else if (dirty != 0) lower_dirty = arena.count_dirty(arena.index_of(block), pages_of(half));
    std::uint32_t upper_dirty = dirty - lower_dirty;
    block->order = upper->order = half;
    block->arena = upper->arena = number;
    if (upper_dirty > lower_dirty) {
      std::swap(block, upper);
      std::swap(lower_dirty, upper_dirty);
    }
    link(upper, upper_dirty, since);
    dirty = lower_dirty;
  }
  block->state = PageState::kNone;
  return block;
}

// Moves pages from the rest of the last arena into the free areas: as many as lie up to the next power of two, but
// what a page of descriptors covers at least. False when nothing is left.
[[ASHLAR_RUN_LATER]] bool Zone::extend() {
  if (rest_ == rest_end_) return false;
  constexpr PageIndex kMin(kPageBytes / sizeof(Page));
  PageIndex end = rest_ < kMin ? kMin : rest_ + pages_of(largest_piece(rest_, rest_end_ - rest_));
  if (end > rest_end_) end = rest_end_;
  const PageIndex first = std::exchange(rest_, end);
  free_ -= PageCount(end - first);  // free_range counts them again
  free_range(*last_, first, end - first);
  return true;
}

[[ASHLAR_ALWAYS_RUN]] void Zone::free_rest() {
  while (extend()) {
  }
}

[[ASHLAR_RUN_LATER]] Page* Zone::take_from_rest(std::uint32_t count, PageAlign alignment) {
  if (rest_end_ - rest_ < count) return nullptr;
  PageIndex first = rest_.up(alignment.raw), gap = rest_, gap_end = first;
  if (count >= kLargeRun) {
    first = (rest_end_ - count).down(alignment.raw);
    gap = first + count;
    gap_end = rest_end_;
    if (first < rest_) return nullptr;
    rest_end_ = first;
  } else {
    if (first + count > rest_end_) return nullptr;
    rest_ = first + count;
  }
  free_ -= PageCount(count + (gap_end - gap));
  if (gap_end > gap) free_range(*last_, gap, gap_end - gap);
  Page* const head = last_->page_at(first);
  head->arena = last_->number();
  return head;
}

[[ASHLAR_ALWAYS_RUN]] void Zone::add_extent(Arena& arena, PageIndex first, std::uint32_t count, Moment since) {
  ASHLAR_ASSERT(lock.held(), "the zone's lock is held");
  ASHLAR_ASSERT(arena.count_dirty(first, count) == count, "all pages of an extent are dirty");
  extents_.add(arena, first, count, since);
  free_ += PageCount(count);
  dirty_free_ += PageCount(count);
}

[[ASHLAR_ALWAYS_RUN]] std::uint32_t Zone::remove_extent(Page* extent) {
  const std::uint32_t pages = extent->extent.pages;
  ASHLAR_ASSERT(lock.held(), "the zone's lock is held");
  ASHLAR_ASSERT(free_.raw >= pages && dirty_free_.raw >= pages, "the zone counts the extent that leaves its lists");
  extents_.remove(extent);
  free_ -= PageCount(pages);
  dirty_free_ -= PageCount(pages);
  return pages;
}

[[ASHLAR_ALWAYS_RUN]] void Zone::add_run(Arena& arena, PageIndex first, std::uint32_t count, Moment since) {
  ASHLAR_ASSERT(count > 0 && count <= live().raw, "no more pages come back than are in use");
  if (!arena.pinned) arena.set_dirty(first, count, true);  // which of them were touched is not known
  if (huge) free_blocks(arena, first, count, since);
  else add_extent(arena, first, count, since);
}

[[ASHLAR_ALWAYS_RUN]] void Zone::free_run(Arena& arena, PageIndex first, std::uint32_t count, Moment since) {
  add_run(arena, first, count, since);
  note_shrinking(os::now_ms());
}

[[ASHLAR_ALWAYS_RUN]] void Zone::free_run(Arena& arena, PageIndex first, std::uint32_t count) {
  const std::uint64_t now_ms = os::now_ms();
  add_run(arena, first, count, Moment(now_ms));
  note_shrinking(now_ms);
}

Page* Zone::take_from_extents(std::uint32_t count, PageAlign alignment) {
  Page* const extent = extents_.find(count + alignment.raw - 1);
  return extent == nullptr ? nullptr : cut_extent(extent, count, alignment);
}

// Cuts pages out of an extent; what is left on either side stays free.
[[ASHLAR_RUN_LATER]] Page* Zone::cut_extent(Page* extent, std::uint32_t count, PageAlign alignment) {
  Arena& arena = arena_of(extent);
  const Moment since = extent->extent.since;
  const PageIndex start = arena.index_of(extent), end = start + remove_extent(extent), first = start.up(alignment.raw);
  if (first > start) add_extent(arena, start, first - start, since);
  if (end > first + count) add_extent(arena, first + count, end - (first + count), since);
  Page* const head = arena.page_at(first);
  head->arena = arena.number();
  return head;
}

// Takes one of the largest extents and the clean pages after or before it: for a block that no extent holds whole,
// most of its pages need not be faulted in.
[[ASHLAR_ALWAYS_RUN]] Page* Zone::take_joined(std::uint32_t count) {
  if (count < kLargeRun) return nullptr;
  Page* head = nullptr;
  unsigned looks = kJoinLooks;
  extents_.find_from_largest([&](Page* extent) {
    lock.assert_held();
    Arena& arena = arena_of(extent);
    const std::uint32_t n = extent->extent.pages;
    const PageIndex start = arena.index_of(extent), end = start + n;
    if (n < count / 4 || n >= count) return n < count / 4;
    const std::uint32_t more = count - n;
    PageIndex first = start;
    // taken out before its neighbours are asked for, so that these do not join it meanwhile
    const Moment since = extent->extent.since;
    remove_extent(extent);
    if (!take_range(arena, end, more)) {
      if (start.raw >= more && take_range(arena, start - more, more)) {
        first = start - more;
      } else {
        add_extent(arena, start, n, since);
        return --looks == 0;
      }
    }
    head = arena.page_at(first);
    head->arena = arena.number();
    return true;
  });
  return head;
}

[[ASHLAR_RUN_LATER]] Page* Zone::cut_out(Page* block, Order to) {
  unlink(block);
  if (huge && block->order >= kHugeOrder) [[unlikely]] {
    block = split(block, to < kHugeOrder ? kHugeOrder : to);
    begin_units(block);
  }
  return split(block, to);
}

// Memory that already costs is used first: dirty blocks, then extents, then what is clean. Null if none is free as a
// block.
[[ASHLAR_ALWAYS_RUN]] Page* Zone::take_free(Order order) {
  if (Page* const block = find_dirty(order)) return cut_out(block, order);
  if (Page* const pages = take_from_extents(pages_of(order), PageAlign(pages_of(order)))) {
    pages->order = order;
    return pages;
  }
  Page* const clean = find_clean(order);
  return clean != nullptr ? cut_out(clean, order) : nullptr;
}

// Growing drops the lock, so the free areas are searched again after it.
[[ASHLAR_ALWAYS_RUN]] Page* Zone::take(Order order) {
  ASHLAR_ASSERT(lock.held(), "the zone's lock is held");
  ASHLAR_ASSERT(order <= kMaxOrder, "a block is no larger than the largest order");
  Page* head = nullptr;
  while ((head = take_free(order)) == nullptr) {
    if (!extend() && !grow(pages_of(order))) return nullptr;
  }
  note_growing(head, pages_of(order));
  return head;
}

[[ASHLAR_RUN_LATER]] Page* Zone::take_free_exact(std::uint32_t count, PageAlign alignment) {
  if (Page* const head = take_from_extents(count, alignment)) return head;
  if (Page* const head = alignment.raw == 1 ? take_joined(count) : nullptr) return head;
  const Order by_size = Order::holding(PageCount(count)), by_alignment = Order::holding(PageCount(alignment.raw));
  const Order order = by_size < by_alignment ? by_alignment : by_size;
  Page* block = find_dirty(order);
  if (block == nullptr) block = find_clean(order);
  if (block == nullptr) return take_from_rest(count, alignment);
  Page* const head = cut_out(block, order);
  // the tail that the power of two left over goes back at once
  Arena& arena = arena_of(head);
  if (count < pages_of(order)) free_range(arena, arena.index_of(head) + count, pages_of(order) - count);
  return head;
}

[[ASHLAR_ALWAYS_RUN]] Page* Zone::take_exact(std::uint32_t count, PageAlign alignment) {
  ASHLAR_ASSERT(lock.held(), "the zone's lock is held");
  ASHLAR_ASSERT(count > 0 && std::has_single_bit(alignment.raw), "an alignment is a power of two");
  Page* head = nullptr;
  while ((head = take_free_exact(count, alignment)) == nullptr) {
    if (!grow(count)) return nullptr;
  }
  note_growing(head, count);
  return head;
}

[[ASHLAR_ALWAYS_RUN]] void Zone::note_growing(const Page* first, std::uint32_t count) {
  const PageCount in_use = live();
  ASHLAR_ASSERT(PageCount(count) <= in_use && in_use <= present_, "pages that were taken are in use");
  ASHLAR_ASSERT(dirty_free_ <= free_, "dirty free pages are free");
  live_hint_.store(in_use.raw, std::memory_order_relaxed);
  dirty_hint_.store(dirty_free_.raw, std::memory_order_relaxed);
  std::uint32_t clean = std::exchange(begun_, 0);
  if (feedback_.expects_refaults()) {
    const Arena& arena = arena_of(first);
    if (!arena.pinned) clean += count - arena.count_dirty(arena.index_of(first), count);
    feedback_.note_time(os::now_ms());
  }
  feedback_.note_taken({in_use, dirty_free_}, PageCount(clean));
  if (in_use > max_live_) {
    max_live_ = in_use;
    max_live_hint_.store(in_use.raw, std::memory_order_relaxed);
  }
}

// The free block that holds a page, or null.
[[ASHLAR_ALWAYS_RUN]] Page* Zone::free_block_around(Arena& arena, PageIndex index) {
  for (unsigned o = 0; o <= kMaxOrder.raw; ++o) {
    Page* const head = arena.page_at(index.down(pages_of(Order(o))));
    if (state_of(head) == PageState::kFree && head->order.raw >= o) return head;
  }
  return nullptr;
}

[[ASHLAR_ALWAYS_RUN]] void Zone::fill(ZoneCounts& counts) const {
  counts.present += present_;
  counts.free += free_;
  counts.dirty_free += dirty_free_;
  counts.max_live += max_live_;
  counts.arenas += arenas_;
  counts.free_blocks += free_blocks_ + extents_.count();
  counts.purged_pages += purged_;
}

}  // namespace ashlar::page
