// page: tests the rest of the last arena, which is in no free area. Small processes do not touch it, and large blocks
// come from it.
#include <algorithm>

#include "page/page_fixture.h"

namespace ashlar::page {
namespace {

class RestTest : public PageTest {
 protected:
  RestTest() { make_untouched_arena(); }
};

TEST_F(RestTest, AFewPagesTouchTheDescriptorsOfAFewPages) {
  Page* const block = take(0);
  const Arena& arena = arena_of(block);
  for (std::uint32_t page = 512; page < arena.pages; ++page) {
    ASSERT_EQ(arena.descriptors[page].next, nullptr) << page;
    ASSERT_EQ(arena.descriptors[page].state, PageState::kNone) << page;
    ASSERT_EQ(arena.descriptors[page].order, Order(0)) << page;
  }
  EXPECT_EQ(counts().free.raw, kArenaPages - 1) << "pages of the rest are free pages";
}

TEST_F(RestTest, TheWholeArenaIsHandedOutWithoutAGap) {
  std::vector<bool> seen(kArenaPages);
  for (std::uint32_t i = 0; i < kArenaPages; ++i) {
    Page* const page = take(0);
    const std::uint32_t index = arena_of(page).index_of(page).raw;
    ASSERT_FALSE(seen[index]) << index;
    seen[index] = true;
  }
  EXPECT_EQ(counts().arenas, 1u);
  EXPECT_EQ(counts().free.raw, 0u);
  take(0);
  EXPECT_EQ(counts().arenas, 2u);
}

TEST_F(RestTest, LargeRunsLieSideBySideWithNothingLostBetweenThem) {
  const Run a = alloc_run(local_node(), PageCount(1000), kPageBytes);
  const Run b = alloc_run(local_node(), PageCount(3000), kPageBytes);
  const Run c = alloc_run(local_node(), PageCount(1001), kPageBytes);
  EXPECT_TRUE(b.first == a.first + PageCount(1000) || a.first == b.first + PageCount(3000));
  EXPECT_TRUE(c.first == b.first + PageCount(3000) || b.first == c.first + PageCount(1001));
  EXPECT_EQ(counts().live().raw, 5001u);
  expect_sound_zone();
  for (const Run run : {b, a, c}) free_run(run.first);
  expect_all_coalesced();
}

TEST_F(RestTest, TheGapBeforeAnAlignedRunIsUsed) {
  const Run a = alloc_run(local_node(), PageCount(3), kPageBytes);
  const Run b = alloc_run(local_node(), PageCount(2000), kArenaAlign);
  EXPECT_EQ(b.first.address() % kArenaAlign, 0u);
  EXPECT_EQ(counts().live().raw, 2003u);
  expect_sound_zone();
  const Run c = alloc_run(local_node(), PageCount(256), kPageBytes);
  EXPECT_LT(c.first, b.first) << "there is room before it";
  for (const Run run : {a, b, c}) free_run(run.first);
  expect_all_coalesced();
}

TEST_F(RestTest, ARunGrowsIntoTheRest) {
  const Run run = alloc_run(local_node(), PageCount(3), kPageBytes);
  EXPECT_TRUE(resize_run(run.first, PageCount(5000)));
  EXPECT_EQ(counts().live().raw, 5000u);
  expect_sound_zone();
  free_run(run.first);
  expect_all_coalesced();
}

TEST_F(RestTest, TheRestIsUsedAfterAnotherArenaCame) {
  const Run a = alloc_run(local_node(), PageCount(5000), kPageBytes);
  const Run b = alloc_run(local_node(), PageCount(5000), kPageBytes);  // does not fit behind a
  EXPECT_EQ(counts().arenas, 2u);
  const auto free = expect_sound_zone();
  EXPECT_EQ(std::count(free[0].begin(), free[0].end(), true), kArenaPages - 5000);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(alloc_run(local_node(), PageCount(1024), kPageBytes));
  EXPECT_EQ(counts().arenas, 2u);
  EXPECT_EQ(counts().live().raw, 13072u);
  free_run(a.first);
  free_run(b.first);
  expect_sound_zone();
}

// A block that is freed and asked for again must not walk through the untouched rest.
TEST_F(RestTest, AllocatingAndFreeingTheSameLengthTouchesLittleMoreThanThat) {
  for (const std::size_t pages : {5, 9, 100, 1000}) {
    for (int i = 0; i < 50; ++i) free_run(alloc_run(local_node(), PageCount(pages), kPageBytes).first);
    EXPECT_LE(counts().dirty_free.raw, 3 * pages) << pages << " pages";
    purge_zone();
  }
}

}  // namespace
}  // namespace ashlar::page
