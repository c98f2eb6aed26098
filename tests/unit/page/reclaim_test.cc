// page: reclaim by age: the tick on the slow paths, and kswapd, whose thread the test runs when it likes.
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

  ReclaimTest() { os_.now_ms = 1000000; }
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

TEST_F(ReclaimTest, TicksCloseTogetherDoNothing) {
  options.decay_ms = 0;
  free_pages(10);
  tick(1);
  EXPECT_EQ(counts().dirty_free.raw, 0u);
  free_pages(10);
  os_.now_ms += 1;
  tick(1);
  EXPECT_EQ(counts().dirty_free.raw, 10u) << "a look every millisecond would cost too much";
  os_.now_ms += 1000;
  tick(1);
  EXPECT_EQ(counts().dirty_free.raw, 0u);
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

TEST_F(ReclaimTest, KswapdGivesBackWithinTwiceDecayWithNoFurtherCallAndEndsWhenIdle) {
  free_pages(4000);
  tick(2);
  ASSERT_EQ(os_.threads.size(), 1u);
  const std::uint64_t start = os_.now_ms;
  os_.threads[0]();  // returns: it ends by itself
  EXPECT_EQ(counts().dirty_free.raw, 0u);
  EXPECT_LE(os_.now_ms - start, 4 * options.decay_ms);
  std::uint64_t until_purged = 0;
  for (const std::uint64_t ms : os_.sleeps) until_purged += ms;
  EXPECT_EQ(until_purged, os_.now_ms - start);
  // and the next one is started when there is work again
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
  os_.now_ms += 100;
  tick(2);
  EXPECT_EQ(os_.threads.size(), 1u);
}

TEST_F(ReclaimTest, KswapdCallsTheShrinkersAndOneRegisteredTwiceOnce) {
  static int calls, others;
  calls = others = 0;
  const auto shrink = [] { ++calls; };
  register_shrinker(shrink);
  register_shrinker(shrink);
  register_shrinker([] { ++others; });
  free_pages(4000);
  tick(2);
  os_.threads.at(0)();
  EXPECT_GT(calls, 0);
  EXPECT_EQ(calls, others);
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
  const std::uint32_t before = shrink_epoch;
  EXPECT_TRUE(reclaim_all());
  EXPECT_EQ(counts().dirty_free.raw, 0u);
  EXPECT_NE(shrink_epoch, before);
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
