// page: the memory cgroup's limit: no memory rather than the OOM killer, purging before refusing, and recovery.
#include "page/page_fixture.h"

namespace ashlar::page {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

class LimitTest : public PageTest {
 protected:
  LimitTest() { options.memcg = 1; }
  static Run alloc(std::size_t mib) { return alloc_run(local_node(), PageCount::ceil(mib * kMiB), kPageBytes); }
};

TEST_F(LimitTest, TheHeapStopsBelowTheLimitAndGoesOnAfterFrees) {
  os_.memory_limit = 256 * kMiB;
  std::vector<Run> runs;
  while (const Run run = alloc(4)) {
    runs.push_back(run);
    ASSERT_LE(counts().live().bytes(), os_.memory_limit) << "beyond the limit";
  }
  EXPECT_GE(counts().live().bytes(), os_.memory_limit / 2) << "but near it";
  EXPECT_FALSE(alloc(4)) << "still";
  free_run(runs.back().first);
  runs.pop_back();
  EXPECT_TRUE(alloc(4));
}

TEST_F(LimitTest, ALimitThatIsRaisedIsSeen) {
  os_.memory_limit = 64 * kMiB;
  while (alloc(4)) {
  }
  os_.memory_limit = 128 * kMiB;
  EXPECT_TRUE(alloc(4));
}

TEST_F(LimitTest, ASmallHeapNeverAsksTheSystem) {
  os_.memory_limit = 256 * kMiB;
  EXPECT_TRUE(alloc(8));
  EXPECT_EQ(os_.limit_reads, 0u);
}

TEST_F(LimitTest, AGrowingHeapAsksSeldom) {
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(alloc(1));
  EXPECT_GE(os_.limit_reads, 1u);
  EXPECT_LT(os_.limit_reads, 40u);
}

TEST_F(LimitTest, WithTheOptionOffTheLimitIsNotLookedAt) {
  options.memcg = 0;
  os_.memory_limit = kMiB;
  EXPECT_TRUE(alloc(32));
  EXPECT_EQ(os_.limit_reads, 0u);
}

TEST_F(LimitTest, ResidentFreePagesArePurgedBeforeLiveOnesMeetTheLimit) {
  os_.memory_limit = 256 * kMiB;
  std::vector<Run> runs;
  while (const Run run = alloc(8)) runs.push_back(run);
  for (const Run run : runs) free_run(run.first);
  ASSERT_GT(counts().dirty_free.bytes(), 128 * kMiB);
  // blocks of another shape: they take other memory than what was resident in part
  os_.purges.clear();
  std::size_t taken = 0;
  while (taken < 200 * kMiB) {
    ASSERT_TRUE(alloc(20));
    taken += 20 * kMiB;
    ASSERT_LE((counts().live() + counts().dirty_free).bytes(), os_.memory_limit)
        << "the kernel counts resident pages as well";
  }
}

TEST_F(LimitTest, GrowthInPlaceMeetsTheLimitToo) {
  os_.memory_limit = 48 * kMiB;
  const Run run = alloc(16);
  ASSERT_TRUE(run);
  EXPECT_FALSE(resize_run(run.first, kMaxRun + PageCount(0)) && alloc(16) && alloc(8));
  EXPECT_LE(counts().live().bytes(), 48 * kMiB);
}

TEST_F(LimitTest, PagesOutsideOfZonesCount) {
  os_.memory_limit = 256 * kMiB;
  EXPECT_FALSE(over_memory_limit(PageCount::ceil(100 * kMiB)));
  account_outside(PageCount::ceil(200 * kMiB), PageCount(0));
  EXPECT_TRUE(over_memory_limit(PageCount::ceil(100 * kMiB)));
  EXPECT_FALSE(alloc(32) && alloc(32));
  account_outside(PageCount(0), PageCount::ceil(200 * kMiB));
  EXPECT_FALSE(over_memory_limit(PageCount::ceil(100 * kMiB)));
  EXPECT_TRUE(alloc(32));
}

// A table of which little is used: a run or a mapping larger than the limit, and what follows.
TEST_F(LimitTest, WhatIsNotTouchedDoesNotCount) {
  os_.memory_limit = 256 * kMiB;
  os_.resident_bytes = 10 * kMiB;
  EXPECT_FALSE(over_memory_limit(PageCount::ceil(1024 * kMiB)));
  account_outside(PageCount::ceil(1024 * kMiB), PageCount(0));
  EXPECT_FALSE(over_memory_limit(PageCount::ceil(512 * kMiB)));
  account_outside(PageCount::ceil(512 * kMiB), PageCount(0));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(alloc(8)) << i;
  account_outside(PageCount(0), PageCount::ceil(1536 * kMiB));
}

// What was held and never touched gives no room when it goes.
TEST_F(LimitTest, SparseMemoryThatIsFreedGivesNoRoom) {
  os_.memory_limit = 256 * kMiB;
  os_.resident_bytes = 10 * kMiB;
  account_outside(PageCount::ceil(1024 * kMiB), PageCount(0));
  EXPECT_FALSE(over_memory_limit(PageCount::ceil(kMiB)));
  account_outside(PageCount(0), PageCount::ceil(1024 * kMiB));
  std::size_t mib = 0;
  for (; mib < 1024 && alloc(8); mib += 8) os_.resident_bytes += 8 * kMiB;
  EXPECT_GE(mib, 192u);
  EXPECT_LE(mib, 256u);
}

// The program's own mappings, and what the heap is described by.
TEST_F(LimitTest, WhatIsResidentBesideTheHeapCounts) {
  os_.memory_limit = 256 * kMiB;
  os_.resident_bytes = 100 * kMiB;
  std::size_t mib = 0;
  for (; mib < 1024 && alloc(8); mib += 8) os_.resident_bytes += 8 * kMiB;
  EXPECT_GE(mib, 112u);
  EXPECT_LE(mib, 136u);
}

TEST_F(LimitTest, ATinyLimitLeavesSomethingToUse) {
  os_.memory_limit = 20 * kMiB;
  std::size_t mib = 0;
  while (alloc(1)) ++mib;
  EXPECT_GE(mib, 10u);
  EXPECT_LE(mib, 20u);
}

}  // namespace
}  // namespace ashlar::page
