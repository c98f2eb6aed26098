// page: tests how a zone grows: reservations, arenas, smaller ones where the system refuses, none at all, and recovery.
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "page/page_fixture.h"

namespace ashlar::page {
namespace {

class GrowthTest : public PageTest {};

TEST_F(GrowthTest, ASmallHeapTakesLittleAddressSpaceAndEachArenaIsAsLargeAsAllBeforeIt) {
  std::vector<std::size_t> mib;
  for (std::size_t before = 0; counts().present.bytes() < 96_MiB;) {
    ASSERT_NE(take(5), nullptr);
    const std::size_t present = counts().present.bytes() / 1_MiB;
    if (present != before) mib.push_back(present - before);
    before = present;
    EXPECT_LE(fake_os::reserved_bytes(), counts().present.bytes() * 5 / 4 + 2_MiB) << "reserved ahead";
  }
  EXPECT_EQ(mib, (std::vector<std::size_t>{2, 2, 4, 8, 16, 32, 32}));
  EXPECT_EQ(fake_os::committed_bytes(), counts().present.bytes());
}

TEST_F(GrowthTest, AnArenaIsLargeEnoughForItsFirstRun) {
  ASSERT_TRUE(alloc_run(local_node(), PageCount::ceil(17_MiB), kPageBytes));
  EXPECT_EQ(counts().present.bytes(), 32_MiB);
  os_.largest_commit = 18_MiB;
  ASSERT_TRUE(alloc_run(local_node(), PageCount::ceil(17_MiB), kPageBytes));
  EXPECT_EQ(counts().present.bytes(), 50_MiB) << "no larger than need be where the system refuses";
  os_.largest_commit = 10_MiB;
  EXPECT_FALSE(alloc_run(local_node(), PageCount::ceil(17_MiB), kPageBytes));
}

TEST_F(GrowthTest, OfASmallHeapTheArenasGetNoHugePages) {
  while (counts().present.bytes() < 64_MiB) ASSERT_NE(take(9), nullptr);
  std::size_t bytes = 0;
  for (const fake_os::Range range : os_.no_huge)
    bytes += fake_os::is_committed(range.start, range.bytes) ? range.bytes : 0;
  EXPECT_EQ(bytes, 16_MiB) << "2, 2, 4 and 8 MiB";
}

TEST_F(GrowthTest, AFullTableOfArenasLosesNoMemoryForDescriptors) {
  ASSERT_NE(take(0), nullptr);
  const std::uint16_t count = std::exchange(arena_table.count, kMaxArenas);
  const std::size_t before = metadata_mapped();
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(take(kMaxOrder.raw), nullptr);
  arena_table.count = count;
  EXPECT_EQ(metadata_mapped(), before);
}

// The other thread neither waits for the system call nor gets the arena's pages.
TEST_F(GrowthTest, AnotherThreadTakesAndFreesWhileAnArenaIsMapped) {
  static Page *kept, *taken;
  kept = take(0);
  while (os_.reserves.size() == 1) {
    os_.during_reserve = [] {
      give(kept, 0, 1);
      taken = take(0);
    };
    ASSERT_NE(take(9), nullptr);
  }
  ASSERT_EQ(os_.during_reserve, nullptr);
  EXPECT_EQ(taken, kept);
  expect_sound_zone();
}

// Two threads that find nothing free wait for one arena.
TEST_F(GrowthTest, WhoWaitedWhileAnotherThreadGrewTheZoneLooksAgainFirst) {
  constexpr PageCount kWhole = PageCount::ceil(2_MiB);
  ASSERT_TRUE(alloc_run(local_node(), kWhole, kPageBytes));
  ASSERT_EQ(counts().present, kWhole);
  static std::atomic<bool> maps;
  bool got = false;
  std::thread second([&got] {
    while (!maps) std::this_thread::yield();
    got = static_cast<bool>(alloc_run(local_node(), PageCount(kWhole.raw / 4), kPageBytes));
  });
  os_.during_reserve = [] {
    maps = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the other waits then, most often
  };
  ASSERT_TRUE(alloc_run(local_node(), PageCount(kWhole.raw + 1), kPageBytes));
  second.join();
  EXPECT_TRUE(got);
  EXPECT_EQ(counts().arenas, 2u);
  expect_sound_zone();
}

TEST_F(GrowthTest, ArenasAreAlignedWhereverTheReservationLies) {
  for (const std::size_t skew : {kPageBytes, 3 * kPageBytes, 1_MiB, kArenaAlign - kPageBytes}) {
    os_.skew = skew;
    new (&normal_zone) Zone;
    Page* const block = take(9);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(page_address(block) % kArenaAlign, 0u);
    const fake_os::Range reserve = os_.reserves.back(), commit = os_.commits.back();
    EXPECT_GE(commit.start, reserve.start);
    EXPECT_LE(commit.start + commit.bytes, reserve.start + reserve.bytes);
    for (Arena& arena : arenas) arena = {};
  }
}

TEST_F(GrowthTest, LaterArenasAreLargerAndFitTheirReservation) {
  for (int i = 0; i < 200; ++i) ASSERT_NE(take(kMaxOrder.raw), nullptr) << i;
  EXPECT_LT(counts().arenas, 150u);
  EXPECT_GT(arenas[counts().arenas - 1].pages, kArenaPages);
  for (const fake_os::Range commit : os_.commits) {
    bool inside = false;
    for (const fake_os::Range reserve : os_.reserves) {
      inside |= commit.start >= reserve.start && commit.start + commit.bytes <= reserve.start + reserve.bytes;
    }
    EXPECT_TRUE(inside);
  }
  expect_sound_zone();
}

TEST_F(GrowthTest, WhereLittleMayBeReservedArenasAreSmaller) {
  for (const std::size_t most : {64_MiB, 20_MiB, 10_MiB, 5_MiB, 4_MiB}) {
    os_.largest_reserve = most;
    new (&normal_zone) Zone;
    for (Arena& arena : arenas) arena = {};
    Page* const block = take(0);
    ASSERT_NE(block, nullptr) << (most >> 20) << " MiB";
    EXPECT_LE(counts().present.bytes(), most);
    EXPECT_GE(counts().present.bytes(), 2_MiB);
    give(block, 0, 1);
  }
}

TEST_F(GrowthTest, WhereLittleMayBeCommittedArenasAreSmaller) {
  os_.largest_commit = 5_MiB;
  while (counts().present.bytes() < 32_MiB) ASSERT_NE(take(9), nullptr);
  for (unsigned i = 3; i < counts().arenas; ++i) EXPECT_EQ(arenas[i].pages, 4_MiB / kPageBytes);
  EXPECT_EQ(take(kMaxOrder.raw), nullptr) << "no arena that may be had holds 32 MiB";
  EXPECT_EQ(counts().present.bytes(), 32_MiB);
  os_.largest_commit = SIZE_MAX;
  EXPECT_NE(take(kMaxOrder.raw), nullptr);
}

TEST_F(GrowthTest, WithoutAnyMemoryNothingIsGivenAndAllComesBackWithIt) {
  os_.largest_reserve = 0;
  EXPECT_EQ(take(0), nullptr);
  EXPECT_FALSE(alloc_run(local_node(), PageCount(3), kPageBytes));
  EXPECT_EQ(alloc_slab_pages(local_node(), Order(0)), nullptr);
  EXPECT_EQ(counts().present.raw, 0u);
  os_.largest_reserve = SIZE_MAX;
  os_.commit_budget = 0;
  EXPECT_EQ(take(0), nullptr);
  EXPECT_FALSE(alloc_run(local_node(), PageCount(3), kPageBytes));
  EXPECT_EQ(counts().present.raw, 0u);
  os_.commit_budget = SIZE_MAX;
  const Run run = alloc_run(local_node(), PageCount(3), kPageBytes);
  ASSERT_TRUE(run);
  free_run(run.first);
  expect_all_coalesced();
}

TEST_F(GrowthTest, RefusedCommitsUseUpNoAddressSpace) {
  ASSERT_NE(take(0), nullptr);
  os_.commit_budget = 0;
  const std::size_t before = fake_os::reserved_bytes();
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(take(kMaxOrder.raw), nullptr);
  EXPECT_LE(fake_os::reserved_bytes(), before);
}

TEST_F(GrowthTest, MissingMemoryForDescriptorsIsNoMemoryAndUsesNothingUp) {
  while (os_.map_budget = 0, metadata_alloc(4096, 8) != nullptr) {
  }
  for (int i = 0; i < 100; ++i) ASSERT_EQ(take(0), nullptr);
  EXPECT_EQ(counts().present.raw, 0u);
  EXPECT_LE(fake_os::committed_bytes(), 64_MiB) << "each attempt keeps an arena that nobody uses";
  os_.map_budget = SIZE_MAX;
  EXPECT_NE(take(0), nullptr);
}

TEST_F(GrowthTest, FreeMemoryServesWhileTheSystemRefusesMore) {
  ASSERT_NE(take(12), nullptr);
  const Run run = alloc_run(local_node(), PageCount(4096), kPageBytes);
  ASSERT_TRUE(alloc_run(local_node(), PageCount(1), kPageBytes));
  os_.commit_budget = 0;
  os_.largest_reserve = 0;
  EXPECT_TRUE(alloc_run(local_node(), PageCount(4096), kPageBytes)) << "the first arena has room";
  EXPECT_FALSE(alloc_run(local_node(), PageCount(4096), kPageBytes));
  free_run(run.first);
  EXPECT_TRUE(alloc_run(local_node(), PageCount(4096), kPageBytes));
}

TEST_F(GrowthTest, AFreedRunServesItsLengthAgainWhereverItLies) {
  alloc_run(local_node(), PageCount(5), kPageBytes);
  const Run run = alloc_run(local_node(), PageCount(4000), kPageBytes);
  ASSERT_TRUE(alloc_run(local_node(), PageCount(4000), kPageBytes));
  os_.commit_budget = 0;
  os_.largest_reserve = 0;
  free_run(run.first);
  EXPECT_TRUE(alloc_run(local_node(), PageCount(4000), kPageBytes)) << "4000 pages are free in one piece";
}

TEST_F(GrowthTest, HugePagesAreAskedForWhenTheOptionSaysSo) {
  take(0);
  EXPECT_TRUE(os_.huge.empty());
  options.hugepages = HugePages::kAlways;
  take(kMaxOrder.raw);
  ASSERT_EQ(os_.huge.size(), 1u);
  EXPECT_EQ(os_.huge[0], os_.commits.back());
}

}  // namespace
}  // namespace ashlar::page
