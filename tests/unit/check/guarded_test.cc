// check: tests guarded blocks, which have pages of their own.
#include <atomic>
#include <chrono>
#include <thread>

#include "check/check_fixture.h"

namespace ashlar::check {
namespace {

class GuardedTest : public CheckTest {
 protected:
#ifdef __SANITIZE_THREAD__
  void SetUp() override { GTEST_SKIP() << "the addresses of places belong to ThreadSanitizer's shadow"; }
#endif
  static Guarded& make(std::size_t size) {
    const void* const p = allocate_guarded(size, kMinAlign, Form::kMalloc, false);
    return *static_cast<Guarded*>(region_at(reinterpret_cast<std::uintptr_t>(p)));
  }
};

std::atomic<Region*>& entry_of(std::uintptr_t address) {
  RegionLeaf* const leaf =
      region_map.top[address >> kTopShift].load()->leaves[(address >> kMiddleShift) % kRegionMiddle].load();
  return leaf->regions[(address >> kPageShift) % kRegionLeaf];
}

// With the map's lock, so that the next writer waits meanwhile. False while the entry is another's.
bool take_entry(std::uintptr_t address, Region* region) {
  lock_regions_for_fork();
  const bool is_free = region_at(address) == nullptr;
  if (is_free) entry_of(address).store(region);
  unlock_regions_in_parent();
  return is_free;
}

// Another thread takes a place as soon as the map says that it is nobody's: its entry must stay.
TEST_F(GuardedTest, TheEndOfABlockLeavesThePlaceToWhoTakesItNext) {
  constexpr std::size_t kSize = 9 * kPageBytes - 32;  // it starts in the first of its pages
  constexpr int kMaxRounds = 3000;
  constexpr std::uint64_t kMaxMs = 1500;
  static Region next;
  std::atomic<std::uintptr_t> watched{0};
  std::atomic<bool> looking{false}, done{false};
  std::thread taker([&] {
    while (!done) {
      const std::uintptr_t start = watched;
      if (start == 0) {
        std::this_thread::yield();
        continue;
      }
      looking = true;
      while (!take_entry(start, &next)) {
      }
      looking = false;
      watched = 0;
    }
  });
  int lost = 0, rounds = 0;
  for (const std::uint64_t end = os::now_ms() + kMaxMs; rounds < kMaxRounds && os::now_ms() < end; ++rounds) {
    Guarded& block = make(kSize);
    const std::uintptr_t start = block.start;
    ASSERT_TRUE(release_guarded(block, block.block, Form::kMalloc, kNoSize, "free()"));
    watched = start;
    while (!looking) std::this_thread::yield();
    ASSERT_TRUE(empty_quarantine(0));
    while (watched != 0) std::this_thread::yield();
    lost += region_at(start) != &next;
    set_region(start, 1, nullptr);
  }
  done = true;
  taker.join();
  EXPECT_EQ(lost, 0) << "of " << rounds;
}

// Frees and moves of a block between looks of another thread at its zones; without the wait for it, the look is at
// pages that are gone. Some 10 ms of it suffice.
TEST_F(GuardedTest, ABlockIsNotUnmappedOrMovedWhileACheckOfAllBlocksLooksAtIt) {
  settings.red_zones = RedZones::kCanary;
  constexpr std::size_t kSize = 40000;
  constexpr int kRounds = 6000;
  std::atomic<bool> done{false};
  std::size_t faults = 0;
  std::thread looker([&] {
    while (!done) faults += validate();
  });
  for (int i = 0; i < kRounds; ++i) {
    Guarded* block = &make(kSize);
    if (i % 2 != 0) {
      const void* const moved = resize_guarded(*block, block->block, i % 4 == 1 ? 20 * kSize : kSize + kPageBytes);
      if (moved != nullptr) block = static_cast<Guarded*>(region_at(reinterpret_cast<std::uintptr_t>(moved)));
    }
    ASSERT_TRUE(release_guarded(*block, block->block, Form::kMalloc, kNoSize, "free()"));
  }
  done = true;
  looker.join();
  EXPECT_EQ(faults, 0u);
}

// True when `condition` holds within 100 ms.
template <class Condition>
bool soon(Condition condition) {
  for (const std::uint64_t end = os::now_ms() + 100; os::now_ms() < end; std::this_thread::yield()) {
    if (condition()) return true;
  }
  return false;
}

// A sampled block leaves its addresses to whoever maps next, and a free of that one asks whose it is. Its end is held
// up twice: out of the quarantine with its pages in the map of regions, and without any, at the list of records.
TEST_F(GuardedTest, WhatIsMappedWhereABlockWasIsNotTakenForIt) {
  allocate_guarded(kPageBytes, kMinAlign, Form::kMalloc, true);  // while there is none, none is looked for
  int looks = 0;
  for (int round = 0; round < 20 && looks == 0; ++round) {
    void* const p = allocate_guarded(kPageBytes, kMinAlign, Form::kMalloc, true);
    const auto address = reinterpret_cast<std::uintptr_t>(p);
    ASSERT_TRUE(release_guarded(*guarded_around(address), address, Form::kMalloc, kNoSize, "free()"));
    const std::uint64_t areas = vmalloc::counts().areas;
    std::atomic<bool> mapped{false}, may_go{false};
    std::thread keeper([&] {
      lock_regions_for_fork();
      mapped = true;
      while (!may_go) std::this_thread::yield();
      unlock_regions_in_parent();
    });
    while (!mapped) std::this_thread::yield();
    std::thread ender([] { empty_quarantine(0); });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    lock_guarded_for_fork();
    may_go = true;
    if (soon([&] { return vmalloc::counts().areas < areas; })) {
      ++looks;
      EXPECT_EQ(guarded_around(address), nullptr);
    }
    unlock_guarded_in_parent();
    keeper.join();
    ender.join();
  }
  EXPECT_EQ(looks, 1);
}

TEST_F(GuardedTest, ABlockThatMovesToALargerPlaceTakesItsBytesAlongAndLeavesNothingMapped) {
  settings.plain = true;
  constexpr std::size_t kSize = 40000;
  Guarded& block = make(kSize);
  auto* const p = reinterpret_cast<unsigned char*>(block.block);
  const std::uintptr_t start = block.start;
  p[0] = 1, p[kSize - 1] = 2;
  const std::uint64_t areas = vmalloc::counts().areas;
  auto* const q = static_cast<unsigned char*>(resize_guarded(block, block.block, 20 * kSize));
  ASSERT_NE(q, nullptr);
  EXPECT_NE(q, p);
  EXPECT_EQ(vmalloc::counts().areas, areas);
  EXPECT_EQ(q[0] + q[kSize - 1] + q[kSize] + q[20 * kSize - 1], 3);
  EXPECT_FALSE(os::readable(reinterpret_cast<void*>(start), 1));
  EXPECT_FALSE(vmalloc::free(reinterpret_cast<void*>(start)));
  settings.plain = false;
}

}  // namespace
}  // namespace ashlar::check
