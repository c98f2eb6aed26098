// page: tests purging: which pages return to the system, which stay, and how counts and bits change meanwhile.
#include <algorithm>

#include "page/page_fixture.h"

namespace ashlar::page {
namespace {

class PurgeTest : public PageTest {
 protected:
  PurgeTest() { make_settled_arena(); }

  // A block of an order, with a fence behind it so that it never merges.
  static Page* take_apart(unsigned order) {
    Page* const block = take(order);
    take(order);
    return block;
  }
  // Frees it with all its pages resident.
  static void free_dirty(Page* block) {
    const auto pages = static_cast<std::uint32_t>(block->order.pages().raw);
    touch(block, 0, pages);
    give(block, 0, pages);
  }
};

TEST_F(PurgeTest, EveryResidentFreePageGoesAndNothingElse) {
  Page* const a = take_apart(4);
  Page* const b = take_apart(2);
  free_dirty(a);
  free_dirty(b);
  EXPECT_EQ(purge_zone(), 20u);
  EXPECT_EQ(counts().dirty_free.raw, 0u);
  EXPECT_EQ(counts().purged_pages, 20u);
  const std::vector<fake_os::Range> wanted{{page_address(a), 16 * kPageBytes}, {page_address(b), 4 * kPageBytes}};
  EXPECT_EQ(os_.purges, wanted);
  expect_sound_zone();
  EXPECT_EQ(purge_zone(), 0u) << "there is nothing left";
  EXPECT_EQ(os_.purges.size(), 2u);
}

TEST_F(PurgeTest, TheLargestBlocksGoFirstAndOnlyDownToTheTarget) {
  Page* const small = take_apart(1);
  Page* const large = take_apart(5);
  Page* const middle = take_apart(3);
  for (Page* const block : {small, large, middle}) free_dirty(block);
  EXPECT_EQ(purge_zone(10), 32u);
  EXPECT_EQ(counts().dirty_free.raw, 10u);
  ASSERT_EQ(os_.purges.size(), 1u);
  EXPECT_EQ(os_.purges[0].start, page_address(large));
}

TEST_F(PurgeTest, OfEqualBlocksTheOldestGoesFirst) {
  Page* const a = take_apart(3);
  Page* const b = take_apart(3);
  for (Page* const block : {b, a}) {
    free_dirty(block);
    os_.now_ms += 10;
  }
  purge_zone(8);
  ASSERT_EQ(os_.purges.size(), 1u);
  EXPECT_EQ(os_.purges[0].start, page_address(b));
}

TEST_F(PurgeTest, OnlyBlocksOfTheAgeGo) {
  Page* const old = take_apart(3);
  Page* const young = take_apart(3);
  free_dirty(old);
  os_.now_ms += 600;
  free_dirty(young);
  os_.now_ms += 400;
  EXPECT_EQ(purge_zone(0, 1001), 0u);
  EXPECT_EQ(purge_zone(0, 1000), 8u);
  ASSERT_EQ(os_.purges.size(), 1u);
  EXPECT_EQ(os_.purges[0].start, page_address(old));
  os_.now_ms += 600;
  EXPECT_EQ(purge_zone(0, 1000), 8u);
}

TEST_F(PurgeTest, FewYoungPagesDoNotMakeTheOldOnesAroundThemYoung) {
  Page* const block = take_apart(5);
  touch(block, 0, 32);
  give(block, 0, 31);
  os_.now_ms += 900;
  give(block, 31, 1);
  os_.now_ms += 150;
  EXPECT_EQ(purge_zone(0, 1100), 0u);
  EXPECT_EQ(purge_zone(0, 1000), 32u) << "31 pages are free for 1050 ms, one for 150";
}

TEST_F(PurgeTest, ABlockThatIsOlderThanTheOthersOfItsListGoesFirst) {
  Page* const hole = take_apart(3);
  touch(hole, 0, 8);
  give(hole, 0, 7);
  os_.now_ms += 300;
  Page* const young = take_apart(3);
  free_dirty(young);
  os_.now_ms += 300;
  give(hole, 7, 1);
  purge_zone(8);
  ASSERT_EQ(os_.purges.size(), 1u);
  EXPECT_EQ(os_.purges[0].start, page_address(hole));
}

// What an arena beyond the first ones has given back would come again as a part of huge pages.
TEST_F(PurgeTest, WhereAllMemoryGetsHugePagesAnArenaGetsNoMoreFromItsFirstPurgeOn) {
  while (counts().present.bytes() < (std::size_t{64} << 20)) ASSERT_NE(take(9), nullptr);
  Page* const block = take(9);
  os_.no_huge.clear();
  purge_zone();
  os_.huge_pages_everywhere = true;
  for (const std::uint32_t first : {0u, 16u}) {
    touch(block, first, 8);
    give(block, first, 8);
    EXPECT_EQ(purge_zone(), 8u);
    ASSERT_EQ(os_.no_huge.size(), 1u) << "once for each arena";
    EXPECT_LE(os_.no_huge[0].start, page_address(block));
    EXPECT_GE(os_.no_huge[0].start + os_.no_huge[0].bytes, page_address(block) + kPageBytes);
  }
}

TEST_F(PurgeTest, WhereHugePagesMustBeAskedForAPurgeAsksForNone) {
  while (counts().present.bytes() < (std::size_t{64} << 20)) ASSERT_NE(take(9), nullptr);
  Page* const block = take(9);
  os_.no_huge.clear();
  touch(block, 0, 8);
  give(block, 0, 8);
  EXPECT_EQ(purge_zone(), 8u);
  EXPECT_TRUE(os_.no_huge.empty());
}

// A page that is locked into memory (mlock(2)), where the kernel cannot purge those.
TEST_F(PurgeTest, APartThatTheSystemRefusesDoesNotKeepYoungerBlocksFromBeingPurged) {
  Page* const old = take_apart(11);
  Page* const young = take_apart(5);
  free_dirty(old);
  os_.now_ms += 3000;
  free_dirty(young);
  os_.now_ms += 2000;
  os_.locked_page = page_address(old);
  Budget budget = Budget::step();
  EXPECT_GE(normal_zone.purge(PageCount(), AgeMs(1000), budget).raw, 32u);
  const auto is_young = [young](const fake_os::Range& range) { return range.start == page_address(young); };
  EXPECT_TRUE(std::any_of(os_.purges.begin(), os_.purges.end(), is_young));
  expect_sound_zone();
}

TEST_F(PurgeTest, AgesAreRightAcrossTheWrapOfTheirThirtyTwoBits) {
  os_.now_ms = 0xffffff00;
  free_dirty(take_apart(3));
  os_.now_ms += 0x80;
  EXPECT_EQ(purge_zone(0, 1000), 0u);
  os_.now_ms += 1000;  // the low bits are a small number now
  EXPECT_EQ(purge_zone(0, 1000), 8u);
}

TEST_F(PurgeTest, UntouchedPagesWithinABlockAreSparedButForShortGaps) {
  Page* const block = take(10);
  touch(block, 0, 10);
  touch(block, 12, 4);     // a gap of two: one call
  touch(block, 500, 100);  // far away: a call of its own
  give(block, 0, 1024);
  EXPECT_EQ(purge_zone(), 114u) << "the gap's pages were not resident";
  const std::uintptr_t start = page_address(block);
  const std::vector<fake_os::Range> wanted{{start, 16 * kPageBytes}, {start + 500 * kPageBytes, 100 * kPageBytes}};
  EXPECT_EQ(os_.purges, wanted);
}

TEST_F(PurgeTest, WhatTheSystemRefusesStaysResidentAndIsTriedAgainLater) {
  std::vector<Page*> blocks;
  for (int i = 0; i < 40; ++i) blocks.push_back(take_apart(2));  // more than a batch
  for (Page* const block : blocks) free_dirty(block);
  os_.refuse_purge = true;
  EXPECT_EQ(purge_zone(), 0u);
  EXPECT_EQ(counts().dirty_free.raw, 160u);
  EXPECT_EQ(counts().purged_pages, 0u);
  expect_sound_zone();
  EXPECT_FALSE(reclaim_all());
  os_.refuse_purge = false;
  EXPECT_TRUE(reclaim_all());
  EXPECT_EQ(counts().dirty_free.raw, 0u);
  EXPECT_EQ(counts().purged_pages, 160u);
}

TEST_F(PurgeTest, ABlockThatIsBeingPurgedIsNotHandedOut) {
  static Page* purged;
  static bool seen;
  purged = take(kMaxOrder.raw - 1);
  free_dirty(purged);
  seen = false;
  os_.during_purge = [] {
    seen = true;
    Page* const other = take(4);
    EXPECT_TRUE(other < purged || other >= purged + Order(kMaxOrder.raw - 1u).pages().raw);
    EXPECT_EQ(purged->state, PageState::kIsolated);
    give(other, 0, 16);
  };
  purge_zone();
  EXPECT_TRUE(seen);
  expect_sound_zone();
}

TEST_F(PurgeTest, ABuddyFreedDuringAPurgeMergesAfterwards) {
  static Page* buddy;
  Page* const block = take(3);
  buddy = take(3);
  ASSERT_EQ(buddy, block + 8);
  free_dirty(block);
  os_.during_purge = [] { free_dirty(buddy); };
  EXPECT_EQ(purge_zone(), 8u);
  EXPECT_EQ(counts().dirty_free.raw, 8u) << "the buddy's";
  expect_all_coalesced();
}

// What is in use and what is free and resident stay together within the recent peak and the options' margins.
TEST_F(PurgeTest, AboveTheHighWatermarkAStepPurgesDownBelowIt) {
  constexpr std::size_t kMin = 1024, kRatio = 10;
  options.dirty_min = kMin * kPageBytes;
  options.dirty_ratio = kRatio;
  std::vector<Run> runs;
  for (int i = 0; i < 400; ++i) runs.push_back(alloc_run(local_node(), PageCount(64), kPageBytes));
  for (std::size_t round = 0; round < 2; ++round) {
    for (std::size_t i = round; i < runs.size(); i += 2) {  // neighbours stay in use at first: free runs lie apart
      free_run(runs[i].first);
      if (reclaim_is_due()) reclaim_step();
      const ZoneCounts n = counts();
      ASSERT_LE((n.live() + n.dirty_free).raw, n.max_live.raw + n.max_live.raw * kRatio / 100 + kMin)
          << "after free " << i;
    }
  }
  EXPECT_EQ(counts().live().raw, 0u);
  EXPECT_FALSE(os_.purges.empty());
  EXPECT_LE(counts().dirty_free.raw, 3 * kMin) << "an empty heap keeps little";
}

TEST_F(PurgeTest, BelowTheWatermarkNothingGoes) {
  options.dirty_min = 4_MiB;
  free_run(alloc_run(local_node(), PageCount(1000), kPageBytes).first);
  EXPECT_EQ(counts().dirty_free.raw, 1000u);
  EXPECT_TRUE(os_.purges.empty());
}

// Descriptors that fill pages of their own go with the pages that they describe, but for the first of each block.
TEST_F(PurgeTest, DescriptorsOfPurgedBlocksGo) {
  Page* const block = take_apart(9);
  free_dirty(block);
  purge_zone();
  const std::uintptr_t start = round_up(reinterpret_cast<std::uintptr_t>(block + 1), kPageBytes);
  const std::uintptr_t end = round_down(reinterpret_cast<std::uintptr_t>(block + 512), kPageBytes);
  const std::vector<fake_os::Range> wanted{{start, end - start}};
  EXPECT_EQ(os_.own_purges, wanted);
  expect_sound_zone();
}

TEST_F(PurgeTest, DescriptorsOfPurgedExtentsGo) {
  const Run run = alloc_run(local_node(), PageCount(4000), kPageBytes);
  const Run fence = alloc_run(local_node(), PageCount(1), kPageBytes);
  free_run(run.first);
  ASSERT_EQ(purge_zone(), 4000u);
  std::size_t bytes = 0;
  for (const fake_os::Range& range : os_.own_purges) bytes += range.bytes;
  EXPECT_GE(bytes, 4000 * sizeof(Page) / 2);
  expect_sound_zone();
  free_run(fence.first);
}

TEST_F(PurgeTest, DescriptorsOfFewPagesAreNotWorthACall) {
  for (const unsigned order : {1u, 4u, 6u}) free_dirty(take_apart(order));
  purge_zone();
  EXPECT_TRUE(os_.own_purges.empty());
}

}  // namespace
}  // namespace ashlar::page
