// page: tests swap areas: when the zonelist continues there, room in the file, purging, priorities, switching off, and
// fork.
#include "page/swap.h"

#include <cerrno>

#include "fresh.h"
#include "page/cold.h"
#include "page/page_fixture.h"
#include "page/swap_area.h"

namespace ashlar::page {
namespace {

using enum os::SwapFileKind;

constexpr PageCount kMiB = PageCount::floor(1_MiB);

class SwapTest : public PageTest {
 protected:
  SwapTest() { ashlar_test::make_fresh(swap_table); }

  // Nothing more of the node's zone.
  void exhaust() {
    os_.largest_reserve = 0;
    os_.largest_commit = 0;
  }

  static Run run_of(std::size_t mib) { return alloc_run(local_node(), PageCount(mib * kMiB.raw), kPageBytes); }

  static bool is_swapped(const Run& run) { return run && arena_of(descriptor_of(run.first)).zone->swap != nullptr; }

  std::size_t backed() const { return os_.backed.size(); }
};

TEST_F(SwapTest, NothingIsTakenOfAnAreaWhileTheNodeHasMemory) {
  ASSERT_EQ(swap_on("/swap", 64_MiB, -1, kNameless), 0);
  EXPECT_FALSE(is_swapped(run_of(8)));
  EXPECT_EQ(backed(), 0u);
}

TEST_F(SwapTest, RunsAndSlabsGoOnInAnAreaWhereTheNodeFails) {
  ASSERT_EQ(swap_on("/swap", 64_MiB, -1, kNameless), 0);
  exhaust();
  EXPECT_TRUE(is_swapped(run_of(8)));
  Page* const slab = alloc_slab_pages(local_node(), Order(3), Fallback::kThisNode);
  ASSERT_NE(slab, nullptr);
  EXPECT_NE(arena_of(slab).zone->swap, nullptr);
  EXPECT_EQ(backed(), 8 * kMiB.raw + 8) << "what is taken has room in the file, and no more";
  expect_sound_zone();
}

TEST_F(SwapTest, WithoutAnAreaTheNodesFailureIsTheAnswer) {
  exhaust();
  EXPECT_FALSE(run_of(1));
}

TEST_F(SwapTest, AFullDiskIsNoMemoryAndLosesNoPage) {
  ASSERT_EQ(swap_on("/swap", 64_MiB, -1, kNameless), 0);
  exhaust();
  os_.swap_room = 3 * kMiB.raw;
  const Run run = run_of(2);
  ASSERT_TRUE(run);
  EXPECT_FALSE(run_of(2));
  EXPECT_EQ(os_.swap_room, kMiB.raw) << "what the refused one got was returned";
  EXPECT_TRUE(is_swapped(run_of(1)));
  EXPECT_FALSE(resize_run(run.first, PageCount(3 * kMiB.raw))) << "a run grows only where there is room";
  EXPECT_TRUE(free_run(run.first));
  expect_sound_zone();
}

TEST_F(SwapTest, WhatIsFreedServesAgainAndIsAHoleAfterItsPurge) {
  ASSERT_EQ(swap_on("/swap", 64_MiB, -1, kNameless), 0);
  exhaust();
  const Run first = run_of(4);
  ASSERT_TRUE(first.zeroed);
  ASSERT_TRUE(free_run(first.first));
  const Run second = run_of(4);
  EXPECT_EQ(second.first, first.first);
  EXPECT_FALSE(second.zeroed);
  EXPECT_EQ(backed(), 4 * kMiB.raw) << "asked for once";
  ASSERT_TRUE(free_run(second.first));
  reclaim_all();
  EXPECT_EQ(backed(), 0u);
  EXPECT_TRUE(run_of(4).zeroed);
  expect_sound_zone();
}

TEST_F(SwapTest, AnAreaServesUntilItIsFull) {
  ASSERT_EQ(swap_on("/swap", 300_MiB, -1, kNameless), 0);
  exhaust();
  std::size_t mib = 0;
  while (run_of(4)) mib += 4;
  EXPECT_EQ(mib, 300u);
}

TEST_F(SwapTest, ABlockLargerThanARunHasAtMostAnArena) {
  ASSERT_EQ(swap_on("/swap", 512_MiB, -1, kNameless), 0);
  EXPECT_TRUE(is_swapped(alloc_swap_run(kMaxSwapRun, kPageBytes)));
  EXPECT_FALSE(alloc_swap_run(PageCount(kMaxSwapRun.raw + 1), kPageBytes));
  const Run again = alloc_swap_run(kMaxSwapRun, kPageBytes);
  ASSERT_TRUE(free_run(again.first));
  reclaim_all();
  EXPECT_TRUE(alloc_swap_run(kMaxSwapRun, kPageBytes)) << "also when it was purged in between";
  expect_sound_zone();
}

// Of the option cold.
class ColdTest : public SwapTest {
 protected:
  ColdTest() {
    options.cold = Cold::kPageOut;
    options.decay_ms = 1000;
    EXPECT_EQ(swap_on("/swap", 256_MiB, -1, kNameless), 0);
  }
  ~ColdTest() override { options.cold = Cold::kOff; }

  static Run cold_run(std::size_t mib = 1) {
    const Run run = alloc_swap_run(PageCount(mib * kMiB.raw), kPageBytes);
    note_cold_run(run);
    return run;
  }
};

TEST_F(ColdTest, TheKernelIsToldTwiceToPageOutARunThatIsOldEnough) {
  const Run run = cold_run(2);
  EXPECT_TRUE(advise_cold_runs()) << "one is younger";
  EXPECT_TRUE(os_.advice.empty());
  os_.now_ms += 1000;
  EXPECT_TRUE(advise_cold_runs()) << "what was being written is still to be told";
  const fake_os::State::Advice told{run.first.address(), 2_MiB, true};
  EXPECT_EQ(os_.advice, (std::vector{told}));
  os_.now_ms += 999;
  EXPECT_TRUE(advise_cold_runs());
  os_.now_ms += 1;
  EXPECT_FALSE(advise_cold_runs());
  EXPECT_EQ(os_.advice, (std::vector{told, told}));
  os_.now_ms += 100000;
  EXPECT_FALSE(advise_cold_runs());
  EXPECT_EQ(os_.advice.size(), 2u);
  EXPECT_EQ(swap_areas[0]->zone.advised.load(), 2 * kMiB.raw) << "of both together";
}

TEST_F(ColdTest, TheKernelIsToldOnceThatARunIsCold) {
  options.cold = Cold::kCold;
  const Run run = cold_run(2);
  os_.now_ms += 1000;
  EXPECT_FALSE(advise_cold_runs());
  const fake_os::State::Advice told{run.first.address(), 2_MiB, false};
  EXPECT_EQ(os_.advice, (std::vector{told}));
}

TEST_F(ColdTest, PlacesAreForgottenOnceTheOptionIsOff) {
  cold_run();
  options.cold = Cold::kOff;
  os_.now_ms += 5000;
  EXPECT_FALSE(advise_cold_runs());
  EXPECT_TRUE(os_.advice.empty());
}

TEST_F(ColdTest, ALaterRunIsTheOccasionToTellOfAnOldOne) {
  const Run old = cold_run();
  os_.now_ms += 2000;
  cold_run();
  ASSERT_EQ(os_.advice.size(), 1u);
  EXPECT_EQ(os_.advice[0].start, old.first.address());
}

TEST_F(ColdTest, TheKernelIsToldOfRunsOfANodeToo) {
  const Run run = run_of(2);
  ASSERT_FALSE(is_swapped(run));
  note_cold_run(run);
  os_.now_ms += 1000;
  EXPECT_TRUE(advise_cold_runs());
  os_.now_ms += 1000;
  EXPECT_FALSE(advise_cold_runs());
  const fake_os::State::Advice told{run.first.address(), 2_MiB, true};
  EXPECT_EQ(os_.advice, (std::vector{told, told}));
  EXPECT_EQ(normal_zone.advised.load(), 2 * kMiB.raw);
  EXPECT_EQ(swap_areas[0]->zone.advised.load(), 0u);
}

TEST_F(ColdTest, NothingIsToldOfWhatANodeTookBack) {
  const Run one = run_of(1), kept = run_of(1), other = run_of(1);
  for (const Run& run : {one, kept, other}) note_cold_run(run);
  ASSERT_TRUE(free_run(one.first));
  ASSERT_TRUE(free_run(other.first));
  os_.now_ms += 1000;
  options.cold = Cold::kCold;
  EXPECT_FALSE(advise_cold_runs());
  const fake_os::State::Advice told{kept.first.address(), 1_MiB, false};
  EXPECT_EQ(os_.advice, (std::vector{told}));
}

TEST(ColdRunsTest, NeighboursAreOnePlaceAndAFullListGivesUpItsOldest) {
  ColdRuns runs;
  const auto place = [](std::uintptr_t page, std::uint64_t ms) {
    return ColdRuns::Place{page * kPageBytes, 1, Moment(ms), false};
  };
  runs.add(place(10, 5), AgeMs(2));
  runs.add(place(11, 7), AgeMs(2));
  EXPECT_FALSE(runs.take(Moment(14), AgeMs(10)));
  const ColdRuns::Place joined = runs.take(Moment(15), AgeMs(10));
  EXPECT_EQ(joined.start, 10 * kPageBytes);
  EXPECT_EQ(joined.pages, 2u);
  runs.add(place(20, 20), AgeMs(2));
  runs.add(place(21, 23), AgeMs(2));  // too late to be one with the last
  for (unsigned i = 2; i < ColdRuns::kMax; ++i) runs.add(place(100 * i, 23), AgeMs(2));
  runs.add(place(7, 24), AgeMs(2));  // left out
  EXPECT_EQ(runs.take(Moment(24), AgeMs(10)).start, 20 * kPageBytes);
  EXPECT_FALSE(runs.take(Moment(24), AgeMs(10)));
  std::uintptr_t last = 0;
  while (const ColdRuns::Place next = runs.take(Moment(1000), AgeMs(10))) last = next.start;
  EXPECT_EQ(last, 100 * (ColdRuns::kMax - 1) * kPageBytes);
  EXPECT_TRUE(runs.empty());
}

TEST(ColdRunsTest, AToldPlaceIsNoNeighbourOfANewOneAndLeavesOnePlaceFree) {
  ColdRuns runs;
  runs.add_told({10 * kPageBytes, 1, Moment(5), false}, Moment(20), AgeMs(2));
  runs.add({11 * kPageBytes, 1, Moment(20), false}, AgeMs(2));
  const ColdRuns::Place told = runs.take(Moment(30), AgeMs(10)), fresh = runs.take(Moment(30), AgeMs(10));
  EXPECT_TRUE(told.told && told.pages == 1 && told.given == Moment(20));
  EXPECT_TRUE(!fresh.told && fresh.pages == 1);
  for (unsigned i = 0; i < ColdRuns::kMax; ++i)
    runs.add_told({100 * i * kPageBytes, 1, Moment(5), false}, Moment(40), {});
  EXPECT_FALSE(runs.take(Moment(41), AgeMs(10))) << "none is told before its age";
}

TEST_F(ColdTest, ARefusalIsKeptForTheReportsAndHasNoOtherEffect) {
  os_.refuse_advice = EINVAL;
  const Run run = cold_run();
  os_.now_ms += 1000;
  EXPECT_FALSE(advise_cold_runs());
  EXPECT_EQ(swap_areas[0]->zone.advice_refused.load(), static_cast<std::uint32_t>(EINVAL));
  EXPECT_EQ(swap_areas[0]->zone.advised.load(), 0u);
  EXPECT_TRUE(free_run(run.first));
  expect_sound_zone();
}

TEST_F(SwapTest, AHigherPriorityServesFirstAndOfEqualOnesTheEarlier) {
  ASSERT_EQ(swap_on("/low", 2_MiB, -1, kNameless), 0);
  ASSERT_EQ(swap_on("/first", 2_MiB, 5, kNameless), 0);
  ASSERT_EQ(swap_on("/second", 2_MiB, 5, kNameless), 0);
  exhaust();
  std::vector<std::string> order;
  while (const Run run = run_of(2)) order.emplace_back(arena_of(descriptor_of(run.first)).zone->swap->path);
  EXPECT_EQ(order, (std::vector<std::string>{"/first", "/second", "/low"}));
}

TEST_F(SwapTest, AnAreaEndsOnceNothingIsInItAndItsAddressesServeTheNext) {
  ASSERT_EQ(swap_on("swap", 8_MiB, -1, kNameless), 0);
  exhaust();
  const Run run = run_of(2);
  EXPECT_EQ(swap_off("swap"), EBUSY);
  ASSERT_TRUE(free_run(run.first));
  EXPECT_EQ(swap_off("/fake/swap"), 0) << "a path is one from the root";
  EXPECT_TRUE(os_.open_files.empty());
  EXPECT_FALSE(run_of(2));
  EXPECT_EQ(swap_off("swap"), EINVAL);
  const std::size_t space = fake_os::reserved_bytes();
  ASSERT_EQ(swap_on("other", 8_MiB, -1, kNameless), 0);
  EXPECT_EQ(fake_os::reserved_bytes(), space);
  EXPECT_TRUE(is_swapped(run_of(8)));
  expect_sound_zone();
}

TEST_F(SwapTest, WhatCannotBeAnAreaIsRefused) {
  EXPECT_EQ(swap_on("", 8_MiB, -1, kNameless), EINVAL);
  EXPECT_EQ(swap_on("/swap", 0, -1, kNameless), EINVAL);
  EXPECT_EQ(swap_on("/swap", kMaxSwapBytes + 1, -1, kNameless), EINVAL);
  EXPECT_EQ(swap_on("/swap", 8_MiB, -2, kNameless), EINVAL);
  EXPECT_EQ(swap_on("/swap", 8_MiB, kMaxSwapPriority + 1, kNameless), EINVAL);
  EXPECT_EQ(swap_on(std::string(4000, 'x').c_str(), 8_MiB, -1, kNameless), EINVAL);
  os_.refuse_file = EACCES;
  EXPECT_EQ(swap_on("/swap", 8_MiB, -1, kNameless), EACCES);
  for (unsigned i = 0; i < kMaxSwapAreas; ++i)
    ASSERT_EQ(swap_on(("/swap" + std::to_string(i)).c_str(), 8_MiB, -1, kNameless), 0)
        << "what was refused took no place";
  EXPECT_EQ(swap_on("/swap0", 8_MiB, -1, kNameless), EBUSY);
  EXPECT_EQ(swap_on("/swap", 8_MiB, -1, kNameless), EPERM);
}

TEST_F(SwapTest, LargeRunsLeaveTheRestOfTheNodeToSmallOnes) {
  const Run all = run_of(4);
  ASSERT_EQ(swap_on("/swap", 64_MiB, -1, kNameless), 0);
  exhaust();
  ASSERT_TRUE(is_swapped(run_of(8))) << "the node is refused";
  ASSERT_TRUE(free_run(all.first));
  EXPECT_TRUE(is_swapped(run_of(4)));
  EXPECT_FALSE(is_swapped(alloc_run(local_node(), PageCount(16), kPageBytes)));
}

TEST_F(SwapTest, TheSystemIsNotAskedAgainAtOnceAndLaterIs) {
  ASSERT_EQ(swap_on("/swap", 64_MiB, -1, kNameless), 0);
  exhaust();
  ASSERT_TRUE(is_swapped(run_of(1)));
  os_.largest_reserve = os_.largest_commit = SIZE_MAX;
  EXPECT_TRUE(is_swapped(run_of(1)));
  os_.now_ms += 1000;
  EXPECT_FALSE(is_swapped(run_of(1)));
}

TEST_F(SwapTest, AForkCopiesWhatIsUsedToAFileOfTheChilds) {
  ASSERT_EQ(swap_on("/swap", 64_MiB, -1, kNameless), 0);
  exhaust();
  ASSERT_TRUE(run_of(2));
  copy_swap_for_fork();
  EXPECT_EQ(os_.files, 2);
  EXPECT_EQ(backed(), 4 * kMiB.raw);
  end_swap_copies_in_parent();
  EXPECT_EQ(os_.open_files, std::set<int>{1});
  copy_swap_for_fork();
  take_swap_copies_in_child();
  EXPECT_EQ(os_.open_files, std::set<int>{3});
  EXPECT_TRUE(swap_is_on());
  EXPECT_TRUE(is_swapped(run_of(1)));
  EXPECT_NE(os_.paths[1], os_.paths[2]);
}

TEST_F(SwapTest, AChildWithoutItsCopyHasNoArea) {
  ASSERT_EQ(swap_on("/swap", 64_MiB, -1, kNameless), 0);
  exhaust();
  ASSERT_TRUE(run_of(2));
  os_.refuse_file = ENOSPC;
  copy_swap_for_fork();
  ASSERT_EQ(os_.said.size(), 1u);
  EXPECT_EQ(os_.said[0],
            "fork: no copy of the swap area /swap for the child, which lacks what lies there: no space is left on the "
            "device");
  take_swap_copies_in_child();
  EXPECT_FALSE(swap_is_on());
  EXPECT_FALSE(run_of(1));
  EXPECT_TRUE(os_.open_files.empty());
}

TEST_F(SwapTest, AFigureForEachArea) {
  ASSERT_EQ(swap_on("/swap", 63_MiB, 7, kNameless), 0);
  exhaust();
  const Run run = run_of(2);
  ASSERT_TRUE(run_of(1));
  free_run(run.first);
  SwapInfo info;
  ASSERT_TRUE(swap_info(0, info));
  EXPECT_STREQ(info.path, "/swap");
  EXPECT_EQ(info.bytes, 64_MiB);
  EXPECT_EQ(info.used, 1_MiB);
  EXPECT_EQ(info.backed, 3_MiB);
  EXPECT_EQ(info.priority, 7);
  EXPECT_FALSE(swap_info(1, info));
  EXPECT_EQ(counts().live(), PageCount()) << "the nodes' figures are without it";
}

}  // namespace
}  // namespace ashlar::page
