// page: purging, which pages a zone returns to the system, and how: the oldest block or extent first, and of
// equally old ones the largest.
//
// What is being purged is off the free areas ("isolated"), so the system call needs no lock.
#include "base/hints.h"
#include "page/zone.h"

namespace ashlar::page {

namespace {

constexpr std::uint32_t kBridge = 16;       // clean pages purged along, rather than making two calls
constexpr unsigned kAgeShift = 8;           // ages within a quarter of a second are equal
constexpr unsigned kMaxRefusals = 16;       // by the system, of one caller
constexpr std::uint32_t kDividedFor = 128;  // pages: a quarter of a unit of the Huge zone, see huge.cc
constexpr std::size_t kDescriptorsWorthACall = 2 * kPageBytes;  // those of 1 MiB

Moment now() { return Moment(os::now_ms()); }

[[ASHLAR_OFTEN_RUN]] std::uint32_t min_pages() {
  return static_cast<std::uint32_t>(PageCount::ceil(os::page_bytes()).raw);
}

// The whole OS pages that descriptors [first, end) fill: of free pages' descriptors only that of a block's first page
// is in use; all others are equivalent to zeroed ones. They come to a 128th of the pages: those of a high peak would
// stay.
struct Descriptors {
  std::uintptr_t start = 0;
  std::size_t bytes = 0;

  [[gnu::always_inline]] Descriptors(const Page* first, const Page* end) {
    start = round_up(reinterpret_cast<std::uintptr_t>(first), os::page_bytes());
    const std::uintptr_t last = round_down(reinterpret_cast<std::uintptr_t>(end), os::page_bytes());
    if (last >= start + kDescriptorsWorthACall) bytes = last - start;
  }

  [[gnu::always_inline]] void purge() {
    if (bytes != 0) os::purge(start, bytes, PurgeMode::kDontNeed, os::kMetadataName);
  }
};

// The next stretch of dirty pages of a range from `from` on, short clean gaps included, and rounded out to whole OS
// pages within the range: the clean neighbours make whole ones where OS pages are larger than the allocator's.
PageRange next_stretch(const Arena& arena, PageRange within, PageIndex from) {
  const PageIndex low = within.first, end = within.end();
  const PageIndex first = arena.find(from, end, true);
  PageIndex stop = arena.find(first, end, false);
  for (PageIndex next = arena.find(stop, end, true); next < end && next - stop <= kBridge;) {
    stop = arena.find(next, end, false);
    next = arena.find(stop, end, true);
  }
  const PageIndex rounded_first = first.down(min_pages()), rounded_stop = stop.up(min_pages());
  return {rounded_first > low ? rounded_first : low, rounded_stop < end ? rounded_stop : end};
}

}  // namespace

[[ASHLAR_OFTEN_RUN]] void Zone::isolate_one(Page* head, PageState state, PageCount pages) {
  ASHLAR_ASSERT(lock.held(), "the zone's lock is held");
  ASHLAR_ASSERT(state_of(head) == PageState::kNone, "what is isolated is in no other list");
  head->state = state;
  isolated_.push_front(head);
  isolated_pages_ += pages;
}

[[ASHLAR_OFTEN_RUN]] void Zone::end_isolation(Page* head, PageCount pages) {
  ASHLAR_ASSERT(lock.held(), "the zone's lock is held");
  ASHLAR_ASSERT(state_of(head) == PageState::kIsolated || state_of(head) == PageState::kIsolatedExtent,
                "what leaves the isolated list was isolated");
  ASHLAR_ASSERT(isolated_pages_ >= pages, "the zone counts what it isolated");
  isolated_.remove(head);
  head->state = PageState::kNone;
  isolated_pages_ -= pages;
}

void Zone::take_back_isolated() {
  while (Page* const head = isolated_.front()) {
    Arena& arena = arena_of(head);
    if (head->state == PageState::kIsolatedExtent) {
      const std::uint32_t pages = head->extent.pages;
      const Moment since = head->extent.since;
      end_isolation(head, PageCount(pages));
      add_extent(arena, arena.index_of(head), pages, since);
    } else {
      const Order order = head->order;
      end_isolation(head, order.pages());
      insert(arena, arena.index_of(head), order, head->free_block.since);
    }
  }
}

// The block or extent that is to go next, or null: of at least so many pages, and older than min_age. Each list has its
// oldest at its end.
[[ASHLAR_OFTEN_RUN]] Page* Zone::find_victim(AgeMs min_age, std::uint32_t min) const {
  const Moment looked_at = now();
  Page* victim = nullptr;
  std::uint64_t oldest = 0;
  const auto consider = [&](Page * head, Moment since) __attribute__((always_inline)) {
    const AgeMs age = looked_at - since;
    const std::uint64_t coarse = age.raw >> kAgeShift;
    if (age < min_age || (victim != nullptr && coarse <= oldest)) return;
    victim = head;
    oldest = coarse;
  };
  extents_.find_from_largest([&](Page* extent) {
    if (extent->extent.pages >= min) consider(extent, extent->extent.since);
    return false;
  });
  for (unsigned o = kMaxOrder.raw + 1u; o-- > Order::holding(PageCount(min)).raw;) {
    if (Page* const block = areas_[o].dirty.back()) consider(block, block->free_block.since);
  }
  return victim;
}

// The least that is worth a call of its own in the background.
[[ASHLAR_ALWAYS_RUN]] std::uint32_t Zone::min_purge() const { return huge ? kDividedFor : min_pages(); }

[[ASHLAR_OFTEN_RUN]] bool Zone::has_purgeable() {
  const Guard guard(lock);
  return find_victim(AgeMs(), min_purge()) != nullptr;
}

[[ASHLAR_ALWAYS_RUN]] AgeMs Zone::old_after() {
  const Guard guard(lock);
  return under_pressure(feedback_.old_after());
}

[[ASHLAR_OFTEN_RUN]] void Zone::unlock_to_purge(Arena& arena) {
  const bool first = !huge && !arena.stays_small && options.hugepages == HugePages::kNever;
  arena.stays_small |= first;
  lock.unlock();
  if (first) keep_holes(arena);
}

// The pages that went: whole OS pages, and none where the system refused.
[[ASHLAR_OFTEN_RUN]] PageRange Zone::drop_pages(const Arena& arena, PageRange range) const {
  std::uintptr_t start = arena.address_of(range.first);
  std::size_t bytes = range.bytes();
  const bool done = swap != nullptr ? os::punch(start, bytes) : os::purge(start, bytes, options.purge);
  if (!done) return {range.first, 0};
  if (huge) note_divided(start, bytes);
  return {arena.index_at(start), static_cast<std::uint32_t>(bytes >> kPageShift)};
}

// Purges a dirty block, or as much of it as one range may have. Under the lock, which it drops around the system
// calls.
[[ASHLAR_OFTEN_RUN]] PageCount Zone::purge_block(Page* block, const Budget& budget) {
  const Moment since = block->free_block.since;
  Order order = block->order;
  while (order.pages().raw > budget.range()) order = Order(order.raw - 1u);
  unlink(block);
  block = split(block, order);
  block->free_block = {since, 0};
  isolate_one(block, PageState::kIsolated, order.pages());
  Arena& arena = arena_of(block);
  const PageRange all{arena.index_of(block), static_cast<std::uint32_t>(order.pages().raw)};
  PageCount pages;
  for (PageIndex at = all.first; arena.find(at, all.end(), true) < all.end();) {
    const PageRange stretch = next_stretch(arena, all, at);
    unlock_to_purge(arena);
    const PageRange gone = drop_pages(arena, stretch);
    lock.lock();
    pages += PageCount(arena.count_dirty(gone));
    arena.set_dirty(gone, false);
    at = stretch.end();
  }
  end_isolation(block, order.pages());
  block = insert(arena, all.first, order, since);
  if (pages.raw == 0) {  // what the system refused comes up again when it is old again, with what it merged with
    const std::uint32_t dirty = block->free_block.dirty_pages;
    unlink(block);
    link(block, dirty, now());
  }
  purge_descriptors(block);
  return pages;
}

// Purges the descriptors of a free block that holds nothing resident. Under the lock, which it drops.
[[ASHLAR_OFTEN_RUN]] void Zone::purge_descriptors(Page* block) {
  const PageCount pages = block->order.pages();
  Descriptors descriptors(block + 1, block + pages.raw);
  if (block->free_block.dirty_pages != 0 || descriptors.bytes == 0) return;
  unlink(block);
  isolate_one(block, PageState::kIsolated, pages);
  lock.unlock();
  descriptors.purge();
  lock.lock();
  end_isolation(block, pages);
  Arena& arena = arena_of(block);
  insert(arena, arena.index_of(block), block->order, block->free_block.since);
}

// Purges an extent: as much as the target asks for and as may go in one range, its end, or the front of one that
// borders on the untouched rest, which it can join again. What went is clean, and the buddy's; so is what the system
// would not take.
[[ASHLAR_OFTEN_RUN]] PageCount Zone::purge_extent(Page* extent, PageCount target, const Budget& budget) {
  Arena& arena = arena_of(extent);
  const std::size_t excess = (dirty_free_ - target).raw;
  const std::uint32_t min = min_pages();
  const Moment since = extent->extent.since;
  const PageIndex start = arena.index_of(extent);
  const std::uint32_t all = remove_extent(extent);
  std::uint32_t count = all;
  if (excess + kBridge < count) count = static_cast<std::uint32_t>(round_up(excess, min));
  if (budget.range() < count) count = budget.range();
  const bool front = &arena == last_ && start == rest_end_;
  const PageIndex first = front ? start : start + (all - count);
  if (count < all) add_extent(arena, front ? start + count : start, all - count, since);
  return purge_pages(arena, {first, count}, since);
}

// Purges free pages that are in no list, under the lock, which it drops around the system call.
[[ASHLAR_OFTEN_RUN]] PageCount Zone::purge_pages(Arena& arena, PageRange range, Moment since) {
  const auto [first, count] = range;
  Page* const head = arena.page_at(first);
  head->arena = arena.number();
  head->extent = {since, count};
  isolate_one(head, PageState::kIsolatedExtent, PageCount(count));
  const bool beside_rest = &arena == last_ && first == rest_end_;
  unlock_to_purge(arena);
  const PageRange gone = drop_pages(arena, range);
  if (beside_rest && gone.count == count) Descriptors(head + 1, head + count).purge();
  lock.lock();
  end_isolation(head, PageCount(count));
  arena.set_dirty(gone, false);
  if (gone.count == count && &arena == last_ && first == rest_end_) {
    if (joined_ == joined_end_ || joined_end_ != first) joined_ = first;
    rest_end_ += count;
    joined_end_ = rest_end_;
    free_ += PageCount(count);
    note_shrinking(os::now_ms());
    return PageCount(gone.count);
  }
  free_range(arena, first, count);
  for (PageIndex at = first; at < range.end();) {
    Page* const block = free_block_around(arena, at);
    if (block == nullptr) break;  // it was taken while the lock was dropped
    at = arena.index_of(block) + static_cast<std::uint32_t>(block->order.pages().raw);
    purge_descriptors(block);
  }
  return PageCount(gone.count);
}

// Small steps leave descriptors behind, each less than a page of them: those of what has joined the rest since the last
// call go at once. Under the lock, so only where no other thread waits for it.
[[ASHLAR_ALWAYS_RUN]] void Zone::purge_joined_descriptors() {
  if (threaded() || joined_ == joined_end_ || joined_end_ > rest_end_) return;
  const PageIndex first = joined_ > rest_ ? joined_ : rest_;
  if (first < joined_end_) Descriptors(last_->page_at(first), last_->page_at(joined_end_)).purge();
  joined_ = joined_end_ = PageIndex();
}

[[ASHLAR_ALWAYS_RUN]] PageCount Zone::purge_blocks(PageCount target, AgeMs min_age, std::uint32_t min, Budget& budget) {
  PageCount pages;
  unsigned refusals = 0;
  const Guard guard(lock);
  // others may free meanwhile: that is not this caller's work
  for (const PageCount max = dirty_free_; dirty_free_ > target && pages < max && refusals < kMaxRefusals;) {
    if (budget.spent()) break;
    Page* const victim = find_victim(min_age, min);
    if (victim == nullptr) break;
    const bool extent = victim->state == PageState::kExtent;
    const PageCount gone = extent ? purge_extent(victim, target, budget) : purge_block(victim, budget);
    // an extent that is refused comes up again as blocks
    if (gone.raw == 0 && !extent) ++refusals;
    pages += gone;
    purged_ += gone.raw;
    budget.use(gone);
    feedback_.note_purged(gone, min_age != AgeMs());
  }
  dirty_hint_.store(dirty_free_.raw, std::memory_order_relaxed);
  purge_joined_descriptors();
  return pages;
}

[[ASHLAR_ALWAYS_RUN]] PageCount Zone::purge(PageCount target, AgeMs min_age, Budget& budget) {
  return purge_blocks(target, min_age, min_purge(), budget);
}

[[ASHLAR_OFTEN_RUN]] PageCount Zone::purge(PageCount target, AgeMs min_age) {
  Budget budget = Budget::all();
  return purge_blocks(target, min_age, min_pages(), budget);
}

}  // namespace ashlar::page
