// page: tests runs and slabs, which the layers above take from a zone: exact lengths, alignment, growing and shrinking
// in place.
#include <new>

#include "page/page_fixture.h"

namespace ashlar::page {
namespace {

class RunTest : public PageTest {
 protected:
  RunTest() { make_settled_arena(); }
  static Run alloc(std::size_t pages, std::size_t alignment = kPageBytes) {
    return alloc_run(local_node(), PageCount(pages), alignment);
  }
};

TEST_F(RunTest, ARunOfAnyLengthTakesExactlyItsPages) {
  for (std::size_t pages = 1; pages <= 300; ++pages) {
    const Run run = alloc(pages);
    ASSERT_TRUE(run);
    ASSERT_EQ(run.count.raw, pages);
    ASSERT_EQ(counts().live().raw, pages) << "the tail went back";
    expect_sound_zone();
    free_run(run.first);
    expect_all_coalesced();
  }
}

TEST_F(RunTest, TheLargestRunIsGivenAndOneMoreIsRefused) {
  const Run run = alloc(kMaxRun.raw);
  ASSERT_TRUE(run);
  EXPECT_EQ(run.count, kMaxRun);
  const ZoneCounts before = counts();
  EXPECT_FALSE(alloc(kMaxRun.raw + 1));
  EXPECT_EQ(counts().live(), before.live());
  free_run(run.first);
  expect_all_coalesced();
}

TEST_F(RunTest, ARunStartsAtAMultipleOfItsAlignment) {
  for (std::size_t alignment = 1; alignment <= kArenaAlign; alignment *= 2) {
    const Run fence = alloc(1);
    for (const std::size_t pages : {1, 2, 3, 17, 1000}) {
      const Run run = alloc(pages, alignment);
      ASSERT_TRUE(run);
      EXPECT_EQ(run.first.address() % alignment, 0u) << pages << " pages";
      EXPECT_EQ(run.count.raw, pages);
      EXPECT_EQ(counts().live().raw, pages + 1);
      free_run(run.first);
    }
    free_run(fence.first);
    expect_all_coalesced();
  }
}

TEST_F(RunTest, AFreshRunIsKnownToBeZeroAndAUsedOneIsNot) {
  const Run fresh = alloc(5);
  EXPECT_TRUE(fresh.zeroed);
  free_run(fresh.first);
  EXPECT_EQ(counts().dirty_free.raw, 5u);
  const Run again = alloc(5);
  EXPECT_EQ(again.first, fresh.first) << "resident memory comes first";
  EXPECT_FALSE(again.zeroed);
  free_run(again.first);
  purge_zone();
  EXPECT_TRUE(alloc(6).zeroed) << "the system gave zeroed pages in exchange";
}

TEST_F(RunTest, WithMadvFreeAUsedRunIsNeverTakenForZero) {
  options.purge = PurgeMode::kFree;
  free_run(alloc(5).first);
  purge_zone();
  EXPECT_FALSE(alloc(5).zeroed) << "the pages may be there still";
}

TEST_F(RunTest, ARunIsFoundByItsFirstPageAlone) {
  const Run run = alloc(9);
  const Run found = find_run(run.first);
  EXPECT_EQ(found.first, run.first);
  EXPECT_EQ(found.count.raw, 9u);
  for (std::size_t page = 1; page <= 9; ++page) EXPECT_FALSE(find_run(run.first + PageCount(page)));
  free_run(run.first);
  EXPECT_FALSE(find_run(run.first)) << "it is free";
}

TEST_F(RunTest, ARunIsFoundAroundEachOfItsPagesForMessages) {
  const Run before = alloc(16), run = alloc(37), fence = alloc(16);
  for (std::size_t page = 0; page < 37; ++page) {
    const Run found = find_run_around(run.first + PageCount(page));
    ASSERT_EQ(found.first, run.first);
    ASSERT_EQ(found.count.raw, 37u);
  }
  EXPECT_FALSE(find_run_around(run.first + PageCount(37))) << "its tail is free";
  free_run(run.first);
  EXPECT_FALSE(find_run_around(run.first + PageCount(5)));
  EXPECT_EQ(find_run_around(before.first + PageCount(15)).first, before.first);
  free_run(before.first);
  free_run(fence.first);
}

TEST_F(RunTest, ShrinkingGivesTheEndBackInPlace) {
  for (std::size_t from = 2; from <= 70; from += 4) {
    for (std::size_t to = 1; to < from; to += 3) {
      const Run run = alloc(from);
      ASSERT_TRUE(resize_run(run.first, PageCount(to)));
      ASSERT_EQ(find_run(run.first).count.raw, to);
      ASSERT_EQ(counts().live().raw, to);
      ASSERT_EQ(counts().dirty_free.raw, from - to) << "the end may be resident";
      expect_sound_zone();
      free_run(run.first);
      ASSERT_EQ(counts().dirty_free.raw, from);
      expect_all_coalesced();
      purge_zone();
    }
  }
}

TEST_F(RunTest, GrowingTakesThePagesBehindWhenTheyAreFree) {
  for (std::size_t to = 2; to <= 200; to += 7) {
    const Run run = alloc(1);
    ASSERT_TRUE(resize_run(run.first, PageCount(to)));
    ASSERT_EQ(find_run(run.first).count.raw, to);
    ASSERT_EQ(counts().live().raw, to);
    expect_sound_zone();
    free_run(run.first);
    expect_all_coalesced();
  }
}

TEST_F(RunTest, GrowingIsRefusedWithoutChangeWhenAPageBehindIsInUse) {
  const Run run = alloc(4);
  const Run next = alloc(4);
  ASSERT_EQ(next.first, run.first + PageCount(4));
  const ZoneCounts before = counts();
  EXPECT_FALSE(resize_run(run.first, PageCount(5)));
  EXPECT_EQ(find_run(run.first).count.raw, 4u);
  EXPECT_EQ(counts().live(), before.live());
  EXPECT_EQ(counts().free_blocks, before.free_blocks);
  free_run(next.first);
  EXPECT_TRUE(resize_run(run.first, PageCount(5)));
  EXPECT_TRUE(resize_run(run.first, PageCount(8)));
  expect_sound_zone();
}

TEST_F(RunTest, AGrowingRunGetsResidentPagesWithRoom) {
  const Run small = alloc(10), fence = alloc(1), large = alloc(40);
  ASSERT_TRUE(alloc(1));
  free_run(small.first);
  free_run(large.first);
  const Run run = alloc_growing_run(local_node(), PageCount(8));
  EXPECT_EQ(run.first, large.first) << "10 pages fit better, but leave no room";
  EXPECT_TRUE(resize_run(run.first, PageCount(30)));
  EXPECT_EQ(find_run(run.first).count.raw, 30u);
  EXPECT_FALSE(alloc_growing_run(local_node(), PageCount(8)).zeroed) << "no extent has room, but one fits";
  EXPECT_FALSE(alloc_growing_run(local_node(), kMaxRun + PageCount(1)));
  free_run(fence.first);
  expect_sound_zone();
}

TEST_F(RunTest, ARunIsNotGrownIntoPagesThatFaultWhileResidentOnesHaveRoom) {
  const Run other = alloc(64), fence = alloc(1), run = alloc(16);
  free_run(other.first);
  const ZoneCounts before = counts();
  EXPECT_FALSE(resize_run(run.first, PageCount(32))) << "16 pages to copy, 16 to fault in";
  EXPECT_EQ(find_run(run.first).count.raw, 16u);
  EXPECT_EQ(counts().live(), before.live());
  EXPECT_TRUE(resize_run(run.first, PageCount(17))) << "16 to copy, one to fault in";
  EXPECT_TRUE(resize_run(run.first, PageCount(34))) << "64 are no room for twice as many";
  free_run(fence.first);
  expect_sound_zone();
}

TEST_F(RunTest, GrowingBeyondTheArenaIsRefused) {
  const Run run = alloc(kMaxRun.raw - 5);
  EXPECT_TRUE(resize_run(run.first, PageCount(kMaxRun.raw)));
  EXPECT_FALSE(resize_run(run.first, PageCount(kMaxRun.raw + 1)));
  EXPECT_EQ(find_run(run.first).count, kMaxRun);
}

TEST_F(RunTest, ResizingToTheSameLengthChangesNothing) {
  const Run run = alloc(7);
  const ZoneCounts before = counts();
  EXPECT_TRUE(resize_run(run.first, PageCount(7)));
  EXPECT_EQ(counts().live(), before.live());
  EXPECT_EQ(counts().dirty_free, before.dirty_free);
}

TEST_F(RunTest, MaxLiveCountsWhatRunsHoldAndNotWhatTheyWereCutFrom) {
  new (&normal_zone) Zone;  // the highest so far is that of the first arena
  const Run run = alloc(5);
  EXPECT_EQ(counts().max_live.raw, 5u) << "three pages of the eight went back at once";
  EXPECT_TRUE(resize_run(run.first, PageCount(60)));
  EXPECT_EQ(counts().max_live.raw, 60u) << "growth in place counts";
}

TEST_F(RunTest, OfASlabOnlyTheTouchedPagesCountAsResident) {
  for (std::size_t touched = 0; touched <= 8; ++touched) {
    Page* const slab = alloc_slab_pages(local_node(), Order(3));
    ASSERT_NE(slab, nullptr);
    EXPECT_EQ(slab->state, PageState::kSlab);
    EXPECT_FALSE(find_run(PageId(page_address(slab) >> kPageShift))) << "a slab is no run";
    free_slab_pages(slab, PageCount(touched));
    EXPECT_EQ(counts().dirty_free.raw, touched);
    expect_all_coalesced();
    purge_zone();
  }
}

TEST_F(RunTest, ASlabTakenAgainKeepsWhatItsLastUserTouched) {
  Page* slab = alloc_slab_pages(local_node(), Order(3));
  free_slab_pages(slab, PageCount(6));
  Page* const again = alloc_slab_pages(local_node(), Order(3));
  ASSERT_EQ(again, slab);
  free_slab_pages(again, PageCount(2));
  EXPECT_EQ(counts().dirty_free.raw, 6u) << "untouched this time, but resident since the first";
}

TEST_F(RunTest, ANewLowOfHalfTheLastHeightAsksTheLayersAboveToShrink) {
  const Run large = alloc(4096), half = alloc(2048), small = alloc(256);
  const std::uint32_t before = signals.shrink_epoch;
  free_run(half.first);
  EXPECT_EQ(signals.shrink_epoch, before) << "two thirds are left";
  free_run(large.first);
  EXPECT_EQ(signals.shrink_epoch, before + 1);
  free_run(small.first);
  EXPECT_LE(signals.shrink_epoch, before + 2);
  const std::uint32_t low = signals.shrink_epoch;
  for (int i = 0; i < 20; ++i) free_run(alloc(500).first);
  EXPECT_EQ(signals.shrink_epoch, low) << "a small heap is left alone";
}

}  // namespace
}  // namespace ashlar::page
