// page: tests the memory cgroup's limit. Requests fail before the OOM killer acts, pages are purged before a request is
// refused, and requests succeed again later.
#include "page/limit.h"
#include "page/page_fixture.h"
#include "page/reclaim.h"

namespace ashlar::page {
namespace {

class LimitTest : public PageTest {
 protected:
  LimitTest() { options.memcg = 1; }
  static Run alloc(std::size_t mib) { return alloc_run(local_node(), PageCount::ceil(mib * 1_MiB), kPageBytes); }
};

TEST_F(LimitTest, TheHeapStopsBelowTheLimitAndGoesOnAfterFrees) {
  os_.memory_limit = 256_MiB;
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
  os_.memory_limit = 64_MiB;
  while (alloc(4)) {
  }
  os_.memory_limit = 128_MiB;
  os_.now_ms += 10;  // what was read is used again for some milliseconds
  EXPECT_TRUE(alloc(4));
}

TEST_F(LimitTest, ASmallHeapNeverAsksTheSystem) {
  os_.memory_limit = 256_MiB;
  EXPECT_TRUE(alloc(8));
  EXPECT_EQ(os_.limit_reads, 0u);
}

// A heap that grows for longer than figures are used again.
TEST_F(LimitTest, AGrowingHeapAsksSeldom) {
  for (int i = 0; i < 2000; ++i, os_.now_ms += 5) ASSERT_TRUE(alloc(1));
  EXPECT_GE(os_.limit_reads, 5u);
  EXPECT_LT(os_.limit_reads, 16u);
}

TEST_F(LimitTest, FarBelowALimitAGrowingHeapAsksTwiceAsOftenAsWithoutOne) {
  os_.memory_limit = 64 * 1024_MiB;
  for (int i = 0; i < 2000; ++i, os_.now_ms += 5) ASSERT_TRUE(alloc(1));
  EXPECT_GE(os_.limit_reads, 20u);
  EXPECT_LT(os_.limit_reads, 30u);
}

TEST_F(LimitTest, ALimitThatIsSetWhileTheHeapGrowsIsSeen) {
  for (int i = 0; i < 100; ++i, os_.now_ms += 5) ASSERT_TRUE(alloc(1));
  os_.memory_limit = 256_MiB;
  std::size_t mib = 100;
  for (; mib < 1024 && alloc(1); ++mib) os_.now_ms += 5;
  EXPECT_LE(mib, 256u);
  EXPECT_GE(mib, 128u);
}

TEST_F(LimitTest, WithTheOptionOffTheLimitIsNotLookedAt) {
  options.memcg = 0;
  os_.memory_limit = 1_MiB;
  EXPECT_TRUE(alloc(32));
  EXPECT_EQ(os_.limit_reads, 0u);
}

TEST_F(LimitTest, ResidentFreePagesArePurgedBeforeLiveOnesMeetTheLimit) {
  os_.memory_limit = 256_MiB;
  std::vector<Run> runs;
  while (const Run run = alloc(8)) runs.push_back(run);
  for (const Run run : runs) free_run(run.first);
  ASSERT_GT(counts().dirty_free.bytes(), 128_MiB);
  // blocks of another shape: they take other memory than what was resident in part
  os_.purges.clear();
  std::size_t taken = 0;
  while (taken < 200_MiB) {
    ASSERT_TRUE(alloc(20));
    taken += 20_MiB;
    ASSERT_LE((counts().live() + counts().dirty_free).bytes(), os_.memory_limit)
        << "the kernel counts resident pages as well";
  }
}

TEST_F(LimitTest, GrowthInPlaceMeetsTheLimitToo) {
  os_.memory_limit = 48_MiB;
  const Run run = alloc(16);
  ASSERT_TRUE(run);
  EXPECT_FALSE(resize_run(run.first, kMaxRun + PageCount(0)) && alloc(16) && alloc(8));
  EXPECT_LE(counts().live().bytes(), 48_MiB);
}

TEST_F(LimitTest, PagesOutsideOfZonesCount) {
  os_.memory_limit = 256_MiB;
  EXPECT_FALSE(over_memory_limit(PageCount::ceil(100_MiB)));
  account_outside(PageCount::ceil(200_MiB), PageCount(0));
  EXPECT_TRUE(over_memory_limit(PageCount::ceil(100_MiB)));
  EXPECT_FALSE(alloc(32) && alloc(32));
  account_outside(PageCount(0), PageCount::ceil(200_MiB));
  EXPECT_FALSE(over_memory_limit(PageCount::ceil(100_MiB)));
  EXPECT_TRUE(alloc(32));
}

// A table of which little is used: a run or a mapping larger than the limit, and what follows.
TEST_F(LimitTest, WhatIsNotTouchedDoesNotCount) {
  os_.memory_limit = 256_MiB;
  os_.charged_bytes = 10_MiB;
  EXPECT_FALSE(over_memory_limit(PageCount::ceil(1024_MiB)));
  account_outside(PageCount::ceil(1024_MiB), PageCount(0));
  EXPECT_FALSE(over_memory_limit(PageCount::ceil(512_MiB)));
  account_outside(PageCount::ceil(512_MiB), PageCount(0));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(alloc(8)) << i;
  account_outside(PageCount(0), PageCount::ceil(1536_MiB));
}

// What was held and never touched gives no room when it goes.
TEST_F(LimitTest, SparseMemoryThatIsFreedGivesNoRoom) {
  os_.memory_limit = 256_MiB;
  os_.charged_bytes = 10_MiB;
  account_outside(PageCount::ceil(1024_MiB), PageCount(0));
  EXPECT_FALSE(over_memory_limit(PageCount::ceil(1_MiB)));
  account_outside(PageCount(0), PageCount::ceil(1024_MiB));
  std::size_t mib = 0;
  for (; mib < 1024 && alloc(8); mib += 8) os_.charged_bytes += 8_MiB;
  EXPECT_GE(mib, 192u);
  EXPECT_LE(mib, 256u);
}

// The program's own mappings, and what the heap is described by.
TEST_F(LimitTest, WhatIsResidentBesideTheHeapCounts) {
  os_.memory_limit = 256_MiB;
  os_.charged_bytes = 100_MiB;
  std::size_t mib = 0;
  for (; mib < 1024 && alloc(8); mib += 8) os_.charged_bytes += 8_MiB;
  EXPECT_GE(mib, 112u);
  EXPECT_LE(mib, 136u);
}

// As it is seen after another process has grown, or in a forked child whose group is charged for what it touches alone.
TEST_F(LimitTest, WhatOthersAreChargedWithCounts) {
  os_.memory_limit = 256_MiB;
  os_.charged_bytes = 200_MiB;
  EXPECT_TRUE(alloc(20));
  EXPECT_FALSE(alloc(32));
}

TEST_F(LimitTest, WhatAChildInheritsIsNotCharged) {
  os_.memory_limit = 256_MiB;
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(alloc(32));
  lock_for_fork();
  reset_in_child();
  os_.memory_limit = 128_MiB;  // it is moved to another group
  os_.charged_bytes = 0;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(alloc(32)) << i;
}

// A block that was never touched is unmapped: the groups are charged as before, and may get no more.
TEST_F(LimitTest, TheEndOfAMappingIsNoRoomUnlessItWasTouched) {
  os_.memory_limit = 256_MiB;
  os_.charged_bytes = 60_MiB;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(alloc(32));
  account_outside(PageCount::ceil(90_MiB), PageCount(0));
  EXPECT_TRUE(alloc(4));
  os_.charged_bytes = 190_MiB;
  account_outside(PageCount(0), PageCount::ceil(90_MiB));
  EXPECT_TRUE(alloc(32));
  os_.charged_bytes = 222_MiB;
  os_.now_ms += 10;
  EXPECT_FALSE(alloc(32));
}

// Blocks that come and go near the limit, some of them refused.
TEST_F(LimitTest, NearTheLimitTheSystemIsAskedOnceInAWhile) {
  os_.memory_limit = 256_MiB;
  std::vector<Run> runs;
  while (const Run run = alloc(1)) runs.push_back(run);
  os_.limit_reads = 0;
  for (int i = 0; i < 1000; ++i) {
    free_run(runs.back().first);
    runs.back() = alloc(1);
    ASSERT_TRUE(runs.back());
    EXPECT_FALSE(alloc(1));
    if (i % 10 == 0) ++os_.now_ms;
  }
  EXPECT_LE(os_.limit_reads, 40u) << "in 100 ms";
}

TEST_F(LimitTest, OneRequestPurgesLittleMoreThanItNeeds) {
  os_.memory_limit = 256_MiB;
  std::vector<Run> runs;
  while (const Run run = alloc(4)) runs.push_back(run);
  for (const Run run : runs) free_run(run.first);
  os_.purges.clear();
  os_.memory_limit = 128_MiB;  // the limit is lowered
  ASSERT_TRUE(alloc_run(local_node(), PageCount(1), kPageBytes));
  std::size_t bytes = 0;
  for (const auto& purge : os_.purges) bytes += purge.bytes;
  EXPECT_LE(bytes, 5_MiB);
}

TEST_F(LimitTest, UnderPressureLessStays) {
  options.dirty_min = 64_MiB;
  options.decay_ms = 1000000;
  const auto kept_under = [&](os::Pressure now) {
    os_.pressure = now;
    os_.now_ms += 1000;
    look_at_pressure(use_hint());
    Run runs[12];
    for (Run& run : runs) run = alloc(4);
    for (const Run run : runs) free_run(run.first);
    for (int i = 0; i < 100; ++i) reclaim_step();
    return counts().dirty_free.bytes() / 1_MiB;
  };
  EXPECT_GE(kept_under(os::Pressure::kNone), 48u);
  EXPECT_LE(kept_under(os::Pressure::kSome), 28u) << "a quarter of what may stay";
  EXPECT_GE(kept_under(os::Pressure::kSome), 12u);
  EXPECT_EQ(kept_under(os::Pressure::kHigh), 0u);
  EXPECT_GE(kept_under(os::Pressure::kNone), 48u) << "when it is over";
}

TEST_F(LimitTest, PressureIsLookedAtWithTheAges) {
  options.decay_ms = 1000000;
  options.dirty_min = std::uint64_t{1} << 40;
  free_run(alloc(16).first);
  os_.pressure = os::Pressure::kHigh;
  const auto epoch = signals.shrink_epoch.load();
  for (int i = 0; i < 100; ++i) {
    os_.now_ms += 60;
    reclaim_tick();
  }
  EXPECT_EQ(counts().dirty_free.raw, 0u);
  EXPECT_NE(signals.shrink_epoch.load(), epoch) << "caches give back, too";
  EXPECT_LE(os_.limit_reads, 6000u / 250 + 2);
}

TEST_F(LimitTest, WithLittleToGiveThePressureIsNotLookedAt) {
  free_run(alloc(1).first);
  for (int i = 0; i < 100; ++i) {
    os_.now_ms += 60;
    reclaim_tick();
  }
  EXPECT_EQ(os_.limit_reads, 0u);
}

TEST_F(LimitTest, ATinyLimitLeavesSomethingToUse) {
  os_.memory_limit = 20_MiB;
  std::size_t mib = 0;
  while (alloc(1)) ++mib;
  EXPECT_GE(mib, 10u);
  EXPECT_LE(mib, 20u);
}

}  // namespace
}  // namespace ashlar::page
