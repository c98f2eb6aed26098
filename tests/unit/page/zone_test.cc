// page: tests a zone's buddy by small cases in all their orders.
#include <algorithm>
#include <numeric>

#include <new>

#include "page/page_fixture.h"

namespace ashlar::page {
namespace {

class ZoneTest : public PageTest {
 protected:
  ZoneTest() { make_settled_arena(); }
};

TEST_F(ZoneTest, ABlockIsSplitDownToTheOrder) {
  for (unsigned order = 0; order <= kMaxOrder.raw; ++order) {
    Page* const block = take(order);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(block->order, Order(order));
    EXPECT_EQ(block->state, PageState::kNone);
    EXPECT_EQ(page_address(block) % Order(order).bytes() % kArenaAlign, 0u);
    const ZoneCounts n = zone_counts();
    EXPECT_EQ(n.present.raw, kArenaPages);
    EXPECT_EQ(n.live(), Order(order).pages());
    EXPECT_EQ(n.free_blocks, kMaxOrder.raw - order) << "one free block of each order between";
    EXPECT_EQ(n.dirty_free.raw, 0u);
    give(block, 0, static_cast<std::uint32_t>(Order(order).pages().raw));
    expect_all_coalesced();
  }
}

TEST_F(ZoneTest, BlocksGivenBackInAnyOrderMergeCompletely) {
  std::vector<unsigned> sequence(7);
  std::iota(sequence.begin(), sequence.end(), 0u);
  const unsigned orders[] = {0, 0, 0, 1, 2, 0, 1};
  do {
    Page* blocks[7];
    for (unsigned i = 0; i < 7; ++i) blocks[i] = take(orders[i]);
    for (const unsigned i : sequence) give(blocks[i], 0, static_cast<std::uint32_t>(Order(orders[i]).pages().raw));
    const ZoneCounts n = zone_counts();
    ASSERT_EQ(n.free_blocks, 1u);
    ASSERT_EQ(n.free.raw, kArenaPages);
  } while (std::next_permutation(sequence.begin(), sequence.end()));
  expect_all_coalesced();
}

// All ways to keep a part [from, to) of a block of 32 pages: the rest is free, and then all of it.
TEST_F(ZoneTest, AnyPartOfABlockMayBeGivenBackWhateverItsAlignment) {
  for (std::uint32_t from = 0; from < 32; ++from) {
    for (std::uint32_t to = from + 1; to <= 32; ++to) {
      Page* const block = take(5);
      if (from > 0) give(block, 0, from);
      if (to < 32) give(block, to, 32 - to);
      const auto free = expect_sound_zone();
      const std::uint32_t index = arena_of(block).index_of(block).raw;
      for (std::uint32_t page = 0; page < 32; ++page) {
        ASSERT_EQ(free[0][index + page], page < from || page >= to) << from << ".." << to << " page " << page;
      }
      give(block, from, to - from);
      expect_all_coalesced();
    }
  }
}

// All 2^12 sets of free pages among twelve, and each range of them.
TEST_F(ZoneTest, ARangeIsTakenExactlyWhenAllItsPagesAreFree) {
  Page* const block = take(4);
  Arena& arena = arena_of(block);
  const PageIndex base = arena.index_of(block);
  for (unsigned free_set = 0; free_set < 1u << 10; ++free_set) {
    for (std::uint32_t page = 0; page < 10; ++page) {
      if (free_set >> page & 1) give(block, page, 1);
    }
    const std::uint32_t first = free_set % 10;
    for (std::uint32_t count = 1; first + count <= 10; ++count) {
      const unsigned wanted = ((1u << count) - 1) << first;
      const ZoneCounts before = zone_counts();
      const Guard guard(normal_zone.lock);
      const bool taken = normal_zone.take_range(arena, base + first, count);
      ASSERT_EQ(taken, (free_set & wanted) == wanted) << std::hex << free_set << " " << wanted;
      ZoneCounts after;
      normal_zone.fill(after);
      ASSERT_EQ(after.free.raw, before.free.raw - (taken ? count : 0));
      if (taken) normal_zone.free_range(arena, base + first, count);
    }
    for (std::uint32_t page = 0; page < 10; ++page) {
      const Guard guard(normal_zone.lock);
      if (free_set >> page & 1) {
        ASSERT_TRUE(normal_zone.take_range(arena, base + page, 1));
      }
    }
  }
  give(block, 0, 16);
  expect_all_coalesced();
}

TEST_F(ZoneTest, ARangeBeyondTheArenaIsRefused) {
  Page* const block = take(0);
  Arena& arena = arena_of(block);
  give(block, 0, 1);
  const Guard guard(normal_zone.lock);
  EXPECT_FALSE(normal_zone.take_range(arena, PageIndex(kArenaPages - 1), 2));
  EXPECT_FALSE(normal_zone.take_range(arena, PageIndex(kArenaPages), 1));
  EXPECT_TRUE(normal_zone.take_range(arena, PageIndex(kArenaPages - 1), 1));
}

TEST_F(ZoneTest, AResidentBlockIsTakenBeforeAnUntouchedOne) {
  Page* const first = take(3);
  Page* const second = take(3);
  Page* const third = take(3);
  Page* const fence = take(3);
  touch(second, 0, 8);
  give(second, 0, 8);
  EXPECT_EQ(zone_counts().dirty_free.raw, 8u);
  std::uint32_t dirty = 0;
  EXPECT_EQ(take(3, dirty), second);
  EXPECT_EQ(dirty, 8u);
  EXPECT_EQ(zone_counts().dirty_free.raw, 0u);
  // even when a larger resident block must be split for it, and there is an untouched one that fits
  touch(second, 0, 8);
  give(second, 0, 8);
  give(third, 0, 4);
  Page* const small = take(2, dirty);
  EXPECT_TRUE(small == second || small == second + 4);
  EXPECT_EQ(dirty, 4u);
  (void)first;
  (void)fence;
}

TEST_F(ZoneTest, SplittingKeepsTheHalfWithMoreResidentPages) {
  for (const bool upper : {false, true}) {
    Page* const block = take(4);
    Page* const fence = take(4);
    touch(block, 0, 16, false);
    touch(block, upper ? 11 : 2, 3);
    give(block, 0, 16);
    std::uint32_t dirty = 0;
    Page* const half = take(3, dirty);
    EXPECT_EQ(half, upper ? block + 8 : block);
    EXPECT_EQ(dirty, 3u);
    expect_sound_zone();
    touch(half, 0, 8, false);
    give(half, 0, 8);
    give(fence, 0, 16);
    expect_all_coalesced();
  }
}

TEST_F(ZoneTest, DirtyPagesAreExactThroughSplittingAndMerging) {
  Page* const block = take(6);
  for (std::uint32_t page = 0; page < 64; page += 3) touch(block, page, 1);  // 22 of them
  give(block, 0, 64);
  EXPECT_EQ(zone_counts().dirty_free.raw, 22u);
  std::vector<Page*> pieces;
  std::uint32_t seen = 0;
  for (unsigned i = 0; i < 64; ++i) {
    std::uint32_t dirty = 0;
    pieces.push_back(take(0, dirty));
    ASSERT_LE(dirty, 1u);
    seen += dirty;
    ASSERT_EQ(zone_counts().dirty_free.raw, 22u - seen);
    ASSERT_TRUE(i >= 22 || dirty == 1) << "resident pages come first";
  }
  EXPECT_EQ(seen, 22u);
  for (Page* const piece : pieces) give(piece, 0, 1);
  EXPECT_EQ(zone_counts().dirty_free.raw, 22u) << "what was resident is so still";
  expect_all_coalesced();
}

TEST_F(ZoneTest, TheSmallestBlockThatHoldsTheOrderIsTaken) {
  Page* const a = take(0);
  Page* const b = take(0);  // a's buddy
  Page* const c = take(4);
  Page* const d = take(4);
  for (Page* const page : {a, b}) touch(page, 0, 1);
  touch(c, 0, 16);
  give(a, 0, 1);
  give(c, 0, 16);
  EXPECT_EQ(take(0), a);
  EXPECT_EQ(take(4), c);
  (void)d;
}

TEST_F(ZoneTest, MaxLiveIsTheHighestNumberOfPagesInUse) {
  new (&normal_zone) Zone;  // the highest so far is that of the first arena
  Page* const a = take(4);
  Page* const b = take(5);
  EXPECT_EQ(zone_counts().max_live.raw, 48u);
  give(a, 0, 16);
  give(b, 0, 32);
  EXPECT_EQ(zone_counts().max_live.raw, 48u);
  EXPECT_EQ(zone_counts().live().raw, 0u);
}

}  // namespace
}  // namespace ashlar::page
