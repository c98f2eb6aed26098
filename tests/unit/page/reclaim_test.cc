// page: tests reclaim by age: by the tick on the slow paths, and by kswapd, whose thread the test runs when it wants.
#include "page/page_fixture.h"

namespace ashlar::page {
namespace {

class ReclaimTest : public PageTest {
 protected:
  // What a slow path does in a process of so many threads.
  static void tick(std::size_t threads) {
    note_threads(threads);
    reclaim_tick();
    wake_kswapd_if_due();
  }

  ReclaimTest() {
    os_.now_ms = 1000000;
    os_.when_asleep = [] { note_threads(1); };  // else a kswapd that the test runs would never return
  }
  static void free_pages(std::size_t pages) { free_run(alloc_run(local_node(), PageCount(pages), kPageBytes).first); }
};

TEST_F(ReclaimTest, ATickPurgesWhatIsOlderThanDecay) {
  free_pages(100);
  os_.now_ms += options.decay_ms - 1;
  tick(1);
  EXPECT_EQ(counts().dirty_free.raw, 100u) << "a millisecond too young";
  os_.now_ms += 100;
  tick(1);
  EXPECT_EQ(counts().dirty_free.raw, 0u);
}

TEST_F(ReclaimTest, TicksGoOnAfterTheClockWentBack) {
  os_.now_ms = 100000000;
  tick(1);
  os_.now_ms = 1000000;
  free_pages(100);
  os_.now_ms += options.decay_ms;
  tick(1);
  EXPECT_EQ(counts().dirty_free.raw, 0u);
}

TEST_F(ReclaimTest, TicksCloseTogetherDoNothing) {
  options.decay_ms = 10;
  free_pages(10);
  os_.now_ms += 10;
  tick(1);
  EXPECT_EQ(counts().dirty_free.raw, 0u);
  free_pages(10);
  os_.now_ms += 11;
  tick(1);
  EXPECT_EQ(counts().dirty_free.raw, 10u) << "a look every few milliseconds would cost too much";
  os_.now_ms += 1000;
  tick(1);
  EXPECT_EQ(counts().dirty_free.raw, 0u);
}

TEST_F(ReclaimTest, WithNoDecayTimeFreesGiveAllBackAtOnce) {
  options.decay_ms = 0;
  free_pages(1000);
  ASSERT_TRUE(reclaim_is_due());
  reclaim_step();
  EXPECT_EQ(counts().dirty_free.raw, 0u);
}

// The clock goes on while a purge is under way: what is freed meanwhile is young.
TEST_F(ReclaimTest, WhatIsFreedDuringAPurgeIsNotOld) {
  std::vector<Run> old;
  for (int i = 0; i < 4; ++i) {
    old.push_back(alloc_run(local_node(), PageCount(40), kPageBytes));
    alloc_run(local_node(), PageCount(1), kPageBytes);  // a fence
  }
  static Run young;
  young = alloc_run(local_node(), PageCount(200), kPageBytes);
  for (const Run& run : old) free_run(run.first);
  os_.now_ms += options.decay_ms;
  os_.during_purge = [] {
    fake_os::state().now_ms += 3;
    free_run(young.first);
  };
  purge_zone(0, options.decay_ms);
  EXPECT_EQ(counts().dirty_free.raw, 200u) << "all that was old, and nothing else";
}

TEST_F(ReclaimTest, ATickIsAStepAndTheNextOneComesSoon) {
  constexpr std::size_t kPages = 8000, kStep = 1024;
  free_pages(kPages);
  os_.now_ms += options.decay_ms;
  tick(1);
  EXPECT_GT(counts().purged_pages, 0u);
  EXPECT_LE(counts().purged_pages, kStep);
  for (const fake_os::Range& range : os_.purges) EXPECT_LE(range.bytes, 64 * kPageBytes);
  for (std::size_t ticks = 1; ticks < kPages / kStep + 1; ++ticks) {
    os_.now_ms += 2;
    tick(1);
  }
  EXPECT_EQ(counts().dirty_free.raw, 0u);
}

TEST_F(ReclaimTest, AStepEndsByTheClockToo) {
  free_pages(8000);
  os_.now_ms += options.decay_ms;
  os_.ns_per_look = 40000;
  tick(1);
  EXPECT_LE(os_.purges.size(), 2u) << "each range took 40 us";
}

TEST_F(ReclaimTest, AFreeAboveTheWatermarkIsPurgedInSteps) {
  options.dirty_min = 100 * kPageBytes;
  options.dirty_ratio = 0;
  free_pages(8000);
  EXPECT_TRUE(os_.purges.empty()) << "by the call that comes next, not under the free itself";
  std::size_t steps = 0;
  for (; reclaim_is_due(); ++steps) {
    const std::uint64_t before = counts().purged_pages;
    reclaim_step();
    EXPECT_LE(counts().purged_pages - before, 1024u);
    ASSERT_LT(steps, 100u);
  }
  EXPECT_GE(steps, 7u);
  EXPECT_LE(counts().dirty_free.raw, 100u);
}

TEST_F(ReclaimTest, MemoryInUseAllTheTimeIsNotPurgedByAge) {
  const Run run = alloc_run(local_node(), PageCount(100), kPageBytes);
  os_.now_ms += 100 * options.decay_ms;
  tick(1);
  EXPECT_TRUE(os_.purges.empty());
  free_run(run.first);
  tick(1);
  EXPECT_TRUE(os_.purges.empty()) << "it is free since just now";
}

TEST_F(ReclaimTest, ASingleThreadedProcessGetsNoThread) {
  free_pages(4000);
  tick(1);
  EXPECT_TRUE(os_.threads.empty());
}

TEST_F(ReclaimTest, AChildThatSharesTheMemoryStartsNoKswapd) {
  free_pages(4000);
  os_.is_vfork_child = true;
  tick(2);
  EXPECT_TRUE(os_.threads.empty());
  os_.is_vfork_child = false;
  os_.now_ms += 100;
  tick(2);
  EXPECT_EQ(os_.threads.size(), 1u) << "the parent starts its own";
}

TEST_F(ReclaimTest, KswapdIsStartedOnceAndOnlyWhenThereIsEnoughToGive) {
  free_pages(10);
  tick(2);
  EXPECT_TRUE(os_.threads.empty()) << "40 KiB are not worth a thread";
  free_pages(4000);
  os_.now_ms += 100;
  tick(2);
  EXPECT_EQ(os_.threads.size(), 1u);
  os_.now_ms += 100;
  tick(2);
  EXPECT_EQ(os_.threads.size(), 1u) << "it runs";
}

TEST_F(ReclaimTest, WithTheOptionOffThereIsNoKswapd) {
  options.kswapd = 0;
  free_pages(4000);
  tick(2);
  EXPECT_TRUE(os_.threads.empty());
}

TEST_F(ReclaimTest, KswapdGivesBackWithinTwiceDecayWithNoFurtherCallAndThenSleepsForGood) {
  free_pages(4000);
  tick(2);
  ASSERT_EQ(os_.threads.size(), 1u);
  const std::uint64_t start = os_.now_ms;
  os_.threads[0]();
  EXPECT_EQ(os_.endless_sleeps, 1u);
  EXPECT_EQ(counts().dirty_free.raw, 0u);
  EXPECT_LE(os_.now_ms - start, 2 * options.decay_ms);
  std::uint64_t until_purged = 0;
  for (const std::uint64_t ms : os_.sleeps) until_purged += ms;
  EXPECT_EQ(until_purged, os_.now_ms - start);
  // it ended with the process's other threads, and the next one is started when there are some again
  free_pages(4000);
  os_.now_ms += 100;
  tick(2);
  EXPECT_EQ(os_.threads.size(), 2u);
}

TEST_F(ReclaimTest, AThreadThatCannotBeStartedIsTriedAgain) {
  os_.refuse_threads = true;
  free_pages(4000);
  tick(2);
  os_.refuse_threads = false;
  os_.now_ms += options.decay_ms;
  tick(2);
  EXPECT_EQ(os_.threads.size(), 1u);
}

// A refused start costs a mapping and some ten system calls, so it is not made at each tick.
TEST_F(ReclaimTest, TheSystemIsAskedLessOftenWhileItRefusesTheThread) {
  const auto times_of_tries = [this](std::uint64_t ms) {
    std::vector<std::uint64_t> times;
    const std::uint64_t start = os_.now_ms;
    for (; os_.now_ms - start < ms; os_.now_ms += 100) {
      const std::size_t before = os_.refused_threads;
      tick(2);
      if (os_.refused_threads != before) times.push_back(os_.now_ms - start);
    }
    return times;
  };
  (void)alloc_run(local_node(), PageCount(4000), kPageBytes);
  os_.refuse_threads = true;
  EXPECT_EQ(times_of_tries(32000), (std::vector<std::uint64_t>{0, 1000, 3000, 7000, 15000, 23000, 31000}));
  lock_for_fork();
  reset_in_child();
  tick(2);
  EXPECT_EQ(os_.refused_threads, 8u) << "a child tries at once";
  os_.refuse_threads = false;
  os_.now_ms += 8000;
  tick(2);
  ASSERT_EQ(os_.threads.size(), 1u);
  os_.threads[0]();
  os_.refuse_threads = true;
  os_.now_ms += 8000;
  EXPECT_EQ(times_of_tries(2000), (std::vector<std::uint64_t>{0, 1000})) << "one that started begins the row again";
}

TEST_F(ReclaimTest, KswapdCallsTheReapersAndOneRegisteredTwiceOnce) {
  static int calls, others;
  calls = others = 0;
  const auto shrink = [] {
    ++calls;
    return false;
  };
  register_reaper(shrink);
  register_reaper(shrink);
  register_reaper([] {
    ++others;
    return others < 5;
  });
  free_pages(4000);
  tick(2);
  os_.threads.at(0)();
  EXPECT_GE(calls, 5) << "it comes back as long as one has more";
  EXPECT_EQ(calls, others);
}

TEST_F(ReclaimTest, AnIdleKswapdIsNeverWokenWhateverTheDecayTime) {
  options.decay_ms = 3600000;
  const Run run = alloc_run(local_node(), PageCount(5000), kPageBytes);
  tick(2);
  ASSERT_EQ(os_.threads.size(), 1u) << "what is in use may become free when nobody allocates";
  os_.threads[0]();
  EXPECT_EQ(os_.endless_sleeps, 1u);
  EXPECT_TRUE(os_.sleeps.empty());
  free_run(run.first);
}

TEST_F(ReclaimTest, AFreeRousesASleepingKswapd) {
  static Run run;
  run = alloc_run(local_node(), PageCount(5000), kPageBytes);
  tick(2);
  os_.when_asleep = [] {
    fake_os::state().when_asleep = [] { note_threads(1); };
    free_run(run.first);
  };
  os_.threads.at(0)();
  EXPECT_EQ(os_.endless_sleeps, 2u);
  EXPECT_EQ(os_.wakes, 2u) << "by the free, and by the end of the other threads";
  EXPECT_EQ(counts().dirty_free.raw, 0u);
}

TEST_F(ReclaimTest, ACachedObjectRousesASleepingKswapd) {
  alloc_run(local_node(), PageCount(5000), kPageBytes);
  tick(2);
  os_.when_asleep = [] {
    fake_os::state().when_asleep = [] { note_threads(1); };
    note_cached();
  };
  os_.threads.at(0)();
  EXPECT_EQ(os_.endless_sleeps, 2u);
}

TEST_F(ReclaimTest, WithKswapdFreesBelowTheRecentHeightAreNoThreadsWork) {
  options.dirty_min = 0;
  options.dirty_ratio = 0;
  const Run run = alloc_run(local_node(), PageCount(8000), kPageBytes);
  tick(2);
  ASSERT_EQ(os_.threads.size(), 1u);
  free_run(run.first);
  EXPECT_FALSE(reclaim_is_due());
  os_.now_ms += 2 * options.decay_ms;
  tick(2);
  EXPECT_TRUE(os_.purges.empty()) << "kswapd's";
}

TEST_F(ReclaimTest, WhenTheOtherThreadsEndKswapdLeavesWhatASingleThreadMayKeep) {
  options.dirty_min = 100 * kPageBytes;
  options.dirty_ratio = 0;
  const Run run = alloc_run(local_node(), PageCount(8000), kPageBytes);
  tick(2);
  free_run(run.first);
  note_threads(1);
  os_.threads.at(0)();
  EXPECT_LE(counts().dirty_free.raw, 100u);
  EXPECT_TRUE(os_.sleeps.empty()) << "at once";
  await_kswapd_end();
}

TEST_F(ReclaimTest, WhatTheSystemRefusesDoesNotKeepKswapdBusy) {
  options.dirty_min = 100 * kPageBytes;
  options.dirty_ratio = 0;
  os_.refuse_purge = true;
  free_pages(8000);
  tick(2);
  static int looks;
  looks = 0;
  register_reaper([] {
    if (++looks == 20) note_threads(1);
    return false;
  });
  const std::uint64_t start = os_.now_ms;
  os_.threads.at(0)();
  EXPECT_GE(os_.now_ms - start, 15 * 50u);
}

TEST_F(ReclaimTest, PagesTooSmallForTheSystemDoNotKeepKswapdAwake) {
  os_.page_bytes = 65536;
  std::vector<Page*> blocks;
  for (int i = 0; i < 400; ++i) blocks.push_back(take(0));
  for (std::size_t i = 0; i < blocks.size(); i += 2) {
    touch(blocks[i], 0, 1);
    give(blocks[i], 0, 1);
  }
  alloc_run(local_node(), PageCount(5000), kPageBytes);
  tick(2);
  os_.threads.at(0)();
  EXPECT_TRUE(os_.sleeps.empty());
}

TEST_F(ReclaimTest, AForkedChildMayStartItsOwnKswapd) {
  free_pages(4000);
  tick(2);
  ASSERT_EQ(os_.threads.size(), 1u);
  lock_for_fork();
  reset_in_child();
  os_.now_ms += 100;
  tick(2);
  EXPECT_EQ(os_.threads.size(), 2u);
  expect_sound_zone();
}

TEST_F(ReclaimTest, AfterAForkTheParentGoesOn) {
  lock_for_fork();
  unlock_in_parent();
  free_pages(10);
  expect_all_coalesced();
}

TEST_F(ReclaimTest, ReclaimAllPurgesWhateverTheAgeAndMakesEverybodyShrink) {
  free_pages(100);
  const std::uint32_t before = signals.shrink_epoch;
  EXPECT_TRUE(reclaim_all());
  EXPECT_EQ(counts().dirty_free.raw, 0u);
  EXPECT_NE(signals.shrink_epoch, before);
  EXPECT_FALSE(reclaim_all()) << "nothing is left to give";
}

// A block's age must survive that it is split: the rest of it is as old as it was.
TEST_F(ReclaimTest, TheRestOfASplitBlockKeepsItsAge) {
  free_pages(64);
  os_.now_ms += 2 * options.decay_ms;
  const Run run = alloc_run(local_node(), PageCount(1), kPageBytes);
  ASSERT_TRUE(run);
  tick(1);
  EXPECT_EQ(counts().dirty_free.raw, 0u);
}

}  // namespace
}  // namespace ashlar::page
