// page: tests the pcps, the processors' lists of freed runs: what they accept, what they return, and when they free
// their runs.
#include "page/pcp.h"

#include "broken_rule.h"
#include "page/page_fixture.h"

namespace ashlar::page {
namespace {

constexpr std::size_t kMissesToBegin = 32;  // of runs, before a process has lists

bool any_zero(PageId /*page*/) { return true; }

bool intact = true;
PageId written;
PageId damaged;
constexpr Watcher kWatcher{[](PageId page) { return intact && page.raw != written.raw; },
                           [](PageId page) { damaged = page; }};

class PcpTest : public PageTest {
 protected:
  PcpTest() {
    make_settled_arena();
    intact = true;
    damaged = written = {};
    set_watcher(kWatcher);
    options.decay_ms = 1000;
  }
  static Run alloc(std::size_t pages) { return alloc_run(local_node(), PageCount(pages), kPageBytes); }
  static void free(const Run& run) { ASSERT_EQ(free_watched_run(run.first, any_zero), RunEnd::kDone); }
  // A process that has asked for enough runs to have lists, none of a length that the tests use.
  static void begin() {
    for (std::size_t i = 0; i <= kMissesToBegin; ++i) free(alloc(200 + i % 40));
  }
  // The same with lists of so many processors that any run is cut.
  void begin_on_many() {
    note_threads(2);
    begin();
    for (os_.processor = 1; os_.processor < 10; ++os_.processor) free(alloc(256));
    ASSERT_EQ(pcp_pages().raw, 0u);
  }
  // A run of so many pages that a list holds.
  static Run at_hand(std::size_t pages) {
    free(alloc(pages));
    const Run run = alloc(pages);
    free(run);
    return run;
  }
};

TEST_F(PcpTest, AProcessThatAsksForFewRunsHasNoLists) {
  for (int i = 0; i < 16; ++i) free(alloc(16));
  EXPECT_EQ(pcp_pages().raw, 0u);
}

TEST_F(PcpTest, ALengthThatWasAskedForTwiceIsKept) {
  begin();
  free(alloc(16));
  EXPECT_EQ(pcp_pages().raw, 0u) << "the first of its length goes to the zone";
  free(alloc(16));
  EXPECT_EQ(pcp_pages().raw, 16u);
}

TEST_F(PcpTest, ARunIsKeptWhenTwoThatCouldBeCutFromItWereAskedFor) {
  begin_on_many();
  const Run run = alloc(40);
  free(alloc(20));
  EXPECT_EQ(pcp_pages().raw, 0u);
  alloc(16);
  free(run);
  EXPECT_EQ(pcp_pages().raw, 40u);
}

TEST_F(PcpTest, LengthsThatDoNotComeAgainGoToTheZone) {
  begin();
  for (std::size_t pages = 10; pages < 100; ++pages) free(alloc(pages));
  EXPECT_EQ(pcp_pages().raw, 0u);
}

TEST_F(PcpTest, RunsThatAreShorterThanAllThatWereMissedGoToTheZone) {
  begin_on_many();
  for (std::size_t pages = 100; pages > 10; --pages) free(alloc(pages));
  EXPECT_EQ(pcp_pages().raw, 0u);
}

TEST_F(PcpTest, WhatWasFreedLastComesFirst) {
  begin();
  const Run other = alloc(16);
  const Run run = at_hand(16);
  free(other);
  EXPECT_EQ(alloc(16).first, other.first);
  EXPECT_EQ(alloc(16).first, run.first);
  EXPECT_EQ(pcp_pages().raw, 0u);
}

TEST_F(PcpTest, OnFewProcessorsOnlyTheLengthServes) {
  begin();
  const Run run = at_hand(16), other = alloc(16);
  free(other);
  EXPECT_NE(alloc(15).first, run.first);
  EXPECT_NE(alloc(17).first, run.first);
  alloc(32);
  EXPECT_EQ(pcp_pages().raw, 16u) << "neighbours are not joined";
  EXPECT_EQ(alloc(16).first, run.first);
}

TEST_F(PcpTest, ALongerRunIsCut) {
  begin_on_many();
  const Run run = at_hand(16);
  EXPECT_NE(alloc(17).first, run.first) << "too long";
  EXPECT_EQ(alloc(10).first, run.first);
  EXPECT_EQ(find_run(run.first).count.raw, 10u);
  EXPECT_EQ(pcp_pages().raw, 6u);
  const PageId rest(run.first.raw + 10);
  EXPECT_FALSE(find_run(rest));
  EXPECT_EQ(free_watched_run(rest, any_zero), RunEnd::kNone) << "a double free";
  EXPECT_EQ(alloc(6).first, rest);
  EXPECT_EQ(pcp_pages().raw, 0u);
  EXPECT_FALSE(validate_pcp());
}

TEST_F(PcpTest, TheBestFitIsCut) {
  begin_on_many();
  const Run wide = alloc(40), narrow = alloc(20);
  for (int i = 0; i < 8; ++i) alloc(20);
  free(wide);
  free(narrow);
  ASSERT_EQ(pcp_pages().raw, 60u);
  EXPECT_EQ(alloc(19).first, narrow.first);
  EXPECT_EQ(alloc(21).first, wide.first);
}

TEST_F(PcpTest, NeighboursAreJoinedForALongerRun) {
  begin_on_many();
  const Run run = at_hand(60);
  ASSERT_EQ(alloc(20).first, run.first);
  const Run second = alloc(20), third = alloc(20);
  ASSERT_EQ(pcp_pages().raw, 0u);
  for (const PageId first : {third.first, run.first, second.first}) {
    ASSERT_EQ(free_watched_run(first, any_zero), RunEnd::kDone);
  }
  EXPECT_EQ(alloc(50).first, run.first);
  EXPECT_EQ(free_watched_run(second.first, any_zero), RunEnd::kNone) << "it starts no run any more";
  EXPECT_EQ(pcp_pages().raw, 10u);
  EXPECT_FALSE(validate_pcp());
  pcp_drain();
  expect_sound_zone();
}

// Threads that take turns with one block each, of any length: no zone is asked once the longest was there.
TEST_F(PcpTest, OneBlockOfAnyLengthComesFromTheList) {
  begin_on_many();
  for (std::size_t i = 0; i < 100; ++i) free(alloc(8 + i * 89 % 249));
  const std::size_t held = pcp_pages().raw;
  EXPECT_LE(held, kPcpLongest.raw);
  for (std::size_t i = 0; i < 100; ++i) {
    const Run run = alloc(8 + i * 89 % 249);
    EXPECT_EQ(pcp_pages().raw, held - run.count.raw);
    free(run);
  }
}

TEST_F(PcpTest, AStrongAlignmentComesFromTheZone) {
  begin();
  at_hand(16);
  const Run aligned = alloc_run(local_node(), PageCount(16), kArenaAlign);
  EXPECT_EQ(aligned.first.address() % kArenaAlign, 0u);
  EXPECT_EQ(pcp_pages().raw, 16u);
}

TEST_F(PcpTest, ARunThatIsAtHandIsNoLiveRun) {
  begin();
  const Run run = at_hand(16);
  EXPECT_FALSE(find_run(run.first));
  EXPECT_FALSE(find_run_around(PageId(run.first.raw + 3)));
  EXPECT_EQ(free_watched_run(run.first, any_zero), RunEnd::kNone) << "a double free";
}

TEST_F(PcpTest, CountsTellRunsAtHandFromLiveOnes) {
  begin();
  const std::size_t live = zone_counts().live().raw, dirty = zone_counts().dirty_free.raw;
  const Run run = alloc(16);
  EXPECT_EQ(zone_counts().live().raw, live + 16);
  free(run);
  at_hand(16);
  EXPECT_EQ(pcp_pages().raw, 16u);
  EXPECT_EQ(counts(NodeId()).live().raw, live);
  EXPECT_EQ(zone_counts().live().raw, live);
  EXPECT_GE(zone_counts().dirty_free.raw, dirty);
}

TEST_F(PcpTest, AWriteToARunAtHandIsNoticedWhenItIsTaken) {
  begin();
  const Run run = at_hand(16);
  intact = false;
  alloc(16);
  EXPECT_EQ(damaged, run.first);
}

TEST_F(PcpTest, AWriteToWhatWasJoinedIsNoticed) {
  begin_on_many();
  const Run run = at_hand(60);
  alloc(20);
  const PageId last(run.first.raw + 20);
  ASSERT_EQ(alloc(40).first, last);
  ASSERT_EQ(free_watched_run(run.first, any_zero), RunEnd::kDone);
  ASSERT_EQ(free_watched_run(last, any_zero), RunEnd::kDone);
  written = last;
  alloc(60);
  EXPECT_EQ(damaged, last);
}

// Nobody has poisoned the first page of what a cut leaves.
TEST_F(PcpTest, TheRestOfACutIsNotWatched) {
  begin_on_many();
  const Run run = at_hand(60);
  ASSERT_EQ(alloc(20).first, run.first);
  written = PageId(run.first.raw + 20);
  check_watched();
  EXPECT_EQ(damaged.raw, 0u);
  pcp_drain();
  check_watched();
  EXPECT_EQ(damaged.raw, 0u);
}

TEST_F(PcpTest, AWriteToARunAtHandIsNoticedByALookAtAllWatchedPages) {
  begin();
  written = at_hand(16).first;
  ASSERT_EQ(pcp_pages().raw, 16u);
  check_watched();
  EXPECT_EQ(damaged, written);
}

TEST_F(PcpTest, AWriteToARunThatLeftItsListIsNoticed) {
  begin();
  written = at_hand(16).first;
  pcp_drain();
  ASSERT_EQ(pcp_pages().raw, 0u);
  check_watched();
  EXPECT_EQ(damaged, written);
}

TEST_F(PcpTest, AListHoldsSoMuchAndTheOldestGoFirst) {
  begin();
  std::vector<Run> runs;
  for (int i = 0; i < 64; ++i) runs.push_back(alloc(16));
  for (const Run& run : runs) free(run);
  EXPECT_LE(pcp_pages().raw, 512u / 4) << "512 KiB in a small heap";
  EXPECT_GE(pcp_pages().raw, 16u);
  EXPECT_EQ(alloc(16).first, runs.back().first);
}

TEST_F(PcpTest, WhatIsOldGoesToItsZone) {
  begin();
  pcp_age();
  at_hand(16);
  os_.now_ms += options.decay_ms;
  pcp_age();
  EXPECT_EQ(pcp_pages().raw, 16u) << "not older";
  ++os_.now_ms;
  pcp_age();
  EXPECT_EQ(pcp_pages().raw, 0u);
  expect_sound_zone();
}

TEST_F(PcpTest, ReclaimOfAllTakesWhatIsAtHandToo) {
  begin();
  at_hand(16);
  reclaim_all();
  EXPECT_EQ(pcp_pages().raw, 0u);
  EXPECT_EQ(zone_counts().dirty_free.raw, 0u);
}

// What leaves a list is in nobody's hands but kswapd's for a moment: a fork would lose it in the child.
TEST_F(PcpTest, KswapdEmptiesListsWithinTheGateAlone) {
  static bool inside, shrank;
  static std::size_t left;  // pages that left their lists within the gate
  inside = shrank = false;
  left = 0;
  set_helper_gate([](bool (*work)()) {
    const std::size_t before = pcp_pages().raw;
    inside = true;
    const bool more = work();
    inside = false;
    left += before - pcp_pages().raw;
    return more;
  });
  register_reaper([] {
    shrank = inside;
    return false;
  });
  begin();
  pcp_age();
  at_hand(16);
  os_.now_ms += options.decay_ms + 1;
  at_hand(20);
  alloc(5000);
  note_threads(2);
  wake_kswapd_if_due();
  ASSERT_EQ(os_.threads.size(), 1u);
  os_.when_asleep = [] { note_threads(1); };
  const std::size_t held = pcp_pages().raw;
  os_.threads[0]();
  set_helper_gate([](bool (*work)()) { return work(); });
  EXPECT_TRUE(shrank);
  EXPECT_EQ(held, 36u);
  EXPECT_EQ(pcp_pages().raw, 0u);
  EXPECT_EQ(left, held) << "by age, and the others at its end";
}

TEST_F(PcpTest, EachProcessorHasItsOwn) {
  note_threads(2);
  for (unsigned cpu : {1u, 2u}) {
    os_.processor = cpu;
    begin();
  }
  os_.processor = 1;
  const Run run = at_hand(16);
  os_.processor = 2;
  EXPECT_NE(alloc(16).first, run.first);
  os_.processor = 1;
  EXPECT_EQ(alloc(16).first, run.first);
}

TEST_F(PcpTest, AListThatIsHeldIsPassedBy) {
  begin();
  const Run run = at_hand(16);
  lock_pcp_for_fork();
  const Run other = alloc(16);
  EXPECT_NE(other.first, run.first);
  free(other);
  pcp_drain();
  EXPECT_EQ(pcp_pages().raw, 16u);
  unlock_pcp_in_parent();
  EXPECT_EQ(alloc(16).first, run.first);
}

TEST_F(PcpTest, AForkedChildHasWhatWasAtHand) {
  begin();
  const Run run = at_hand(16);
  lock_pcp_for_fork();
  reset_pcp_in_child();
  EXPECT_EQ(alloc(16).first, run.first);
}

TEST_F(PcpTest, RulesOfAListAreSeenToBeBroken) {
  begin();
  Page* const page = descriptor_of(at_hand(16).first);
  const auto expect = [](auto& value, auto other, std::string_view rule) {
    ashlar_test::expect_broken_by([] { return validate_pcp(); }, value, other, rule);
  };
  ASSERT_EQ(page->state, PageState::kPcp);
  expect(page->state, PageState::kRun, "a run of a per-cpu list is at hand");
  expect(page->run.pages, 15u, "a run of a per-cpu list is as long as it says");
}

}  // namespace
}  // namespace ashlar::page
