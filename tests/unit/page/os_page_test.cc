// page: tests OS pages of 16 and 64 KiB under an allocator page of 4 KiB. Whole OS pages are purged, and no live
// neighbour with them.
#include "page/page_fixture.h"

namespace ashlar::page {
namespace {

class OsPageTest : public PageTest, public testing::WithParamInterface<std::size_t> {
 protected:
  OsPageTest() { os_.page_bytes = GetParam(); }
  std::uint32_t per_os_page() const { return static_cast<std::uint32_t>(GetParam() / kPageBytes); }
};

TEST_P(OsPageTest, ArenasStartAtAnOsPage) {
  os_.skew = GetParam();
  Page* const block = take(0);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(arena_of(block).base % GetParam(), 0u);
  EXPECT_EQ(arena_of(block).base % kArenaAlign, 0u);
  EXPECT_EQ(os_.commits[0].bytes % GetParam(), 0u);
}

TEST_P(OsPageTest, OnlyWholeFreeOsPagesArePurged) {
  // one page in three stays in use, so that no OS page is free but where all of them went
  Page* const block = take(10);
  touch(block, 0, 1024);
  for (std::uint32_t page = 0; page < 512; ++page) {
    if (page % 3 != 0) give(block, page, 1);
  }
  give(block, 512, 512);
  reclaim_all();
  const std::uintptr_t start = page_address(block);
  std::size_t purged = 0;
  for (const fake_os::Range range : os_.purges) {
    EXPECT_EQ(range.start % GetParam(), 0u);
    EXPECT_EQ(range.bytes % GetParam(), 0u);
    EXPECT_TRUE(range.start >= start + 512 * kPageBytes) << "a live page shares this OS page";
    purged += range.bytes;
  }
  EXPECT_EQ(purged, 512 * kPageBytes);
  // 512 pages of which each third is in use: 341 are free and stay resident
  EXPECT_EQ(counts().dirty_free.raw, 341u);
  expect_sound_zone();
}

TEST_P(OsPageTest, PagesThatAreTooFewForAnOsPageStayResidentAndAreNotAskedForAgainAndAgain) {
  Page* const block = take(6);
  touch(block, 0, 1);
  give(block, 0, 1);
  EXPECT_FALSE(reclaim_all());
  EXPECT_EQ(counts().dirty_free.raw, 1u);
  EXPECT_TRUE(os_.purges.empty());
  give(block, 1, 63);
  EXPECT_TRUE(reclaim_all()) << "with its neighbours it makes a whole one";
  EXPECT_EQ(counts().dirty_free.raw, 0u);
}

TEST_P(OsPageTest, ASingleResidentPageAmongFreeOnesGoesWithItsWholeOsPage) {
  for (std::uint32_t page = 0; page < 64; ++page) {
    Page* const block = take(6);
    touch(block, page, 1);
    give(block, 0, 64);
    os_.purges.clear();
    EXPECT_TRUE(reclaim_all());
    ASSERT_EQ(os_.purges.size(), 1u);
    EXPECT_EQ(os_.purges[0].bytes, GetParam());
    EXPECT_EQ(os_.purges[0].start, round_down(page_address(block) + page * kPageBytes, GetParam()));
    EXPECT_EQ(counts().dirty_free.raw, 0u);
  }
}

TEST_P(OsPageTest, RunsAndSlabsKeepToTheAllocatorsPage) {
  const Run run = alloc_run(local_node(), PageCount(3), kPageBytes);
  ASSERT_TRUE(run);
  EXPECT_EQ(counts().live().raw, 3u);
  const Run aligned = alloc_run(local_node(), PageCount(1), GetParam());
  EXPECT_EQ(aligned.first.address() % GetParam(), 0u);
  free_run(run.first);
  free_run(aligned.first);
  expect_sound_zone();
  EXPECT_EQ(counts().live().raw, 0u);
}

INSTANTIATE_TEST_SUITE_P(Sizes, OsPageTest, testing::Values(16384, 65536));

}  // namespace
}  // namespace ashlar::page
