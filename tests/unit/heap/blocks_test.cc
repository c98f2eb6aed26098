// heap: tests blocks of all sizes: usable bytes, alignment, resizing in place, zeroing, perturbing, and signal
// handlers.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <iterator>
#include <thread>
#include <vector>

#include "fresh.h"
#include "heap/bins.h"
#include "heap/emergency.h"
#include "heap/heap_fixture.h"

namespace ashlar::heap {
namespace {

TEST(Blocks, EverySizeHasAtLeastItsBytesAndKeepsThem) {
  grow_up();
  for (std::size_t size = 0; size <= 200000; size += size < 2200 ? 1 : 997) {
    auto* const p = static_cast<unsigned char*>(get(size));
    ASSERT_NE(p, nullptr);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(p) % kMinAlign, 0u);
    ASSERT_GE(usable_bytes(p, "test"), size);
    std::memset(p, 0x5c, tell_usable_bytes(p, "test"));
    put(p);
  }
}

TEST(Blocks, AlignedBlocksOfAllSizesAreAligned) {
  for (std::size_t alignment = 1; alignment <= 8_MiB; alignment *= 2) {
    for (const std::size_t size : {0, 1, 100, 5000, 40000, 300000}) {
      void* const p = allocate_aligned(size, alignment);
      ASSERT_NE(p, nullptr) << size << " at " << alignment;
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(p) % alignment, 0u);
      ASSERT_GE(usable_bytes(p, "test"), size);
      std::memset(p, 1, size);
      put(p);
    }
  }
}

TEST(Blocks, WhatIsSaidToBeZeroIsZero) {
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t size : {100, 40000, 300000, 40 << 20}) {
      bool zeroed = false;
      auto* const p = static_cast<char*>(allocate_maybe_zeroed(size, zeroed));
      for (std::size_t i = 0; zeroed && i < size; i += 64) ASSERT_EQ(p[i], 0) << size;
      std::memset(p, 1, size);
      put(p);
    }
  }
}

// Regression: a foreign pointer was given to memset with no bytes, null too, which is undefined: a compiler may take
// from it that the pointer is not null.
TEST(Blocks, PerturbingLeavesWhatIsNoBlockAlone) {
  options.perturb = 0x5a;
  options_changed();
  char here[64] = {};
  EXPECT_FALSE(release(nullptr, "test"));
  EXPECT_FALSE(release(here, "test"));
  for (const char c : here) EXPECT_EQ(c, 0);
  options.perturb = 0;
}

TEST(Blocks, ResizingInPlaceKeepsTheContents) {
  for (const std::size_t from : {60, 50000, 400000, 40 << 20}) {
    for (const std::size_t to : {64, 52000, 380000, 41 << 20, 80 << 20}) {
      auto* p = static_cast<char*>(get(from));
      std::memset(p, 7, from);
      if (auto* const q = static_cast<char*>(resize(p, to))) {
        EXPECT_GE(usable_bytes(q, "test"), to);
        const std::size_t kept = from < to ? from : to;
        for (std::size_t i = 0; i < kept; i += 97) ASSERT_EQ(q[i], 7);
        std::memset(q, 8, to);
        p = q;
      }
      put(p);
    }
  }
}

TEST(Blocks, ARunStaysForSizesThatNeedItsVeryPages) {
  auto* const p = static_cast<char*>(get(25 * kPageBytes - 100));
  for (const std::size_t size : {25 * kPageBytes, 24 * kPageBytes + 1, 25 * kPageBytes - 50}) {
    EXPECT_TRUE(stays_in_run(p, size)) << size;
  }
  for (const std::size_t size : {25 * kPageBytes + 1, 24 * kPageBytes, std::size_t{60}}) {
    EXPECT_FALSE(stays_in_run(p, size)) << size;
  }
  EXPECT_FALSE(stays_in_run(p + kPageBytes, 25 * kPageBytes));
  p[25 * kPageBytes - 51] = 1;
  put(p);
}

TEST(Blocks, WhatIsNoRunDoesNotStayInOne) {
  int on_stack = 0;
  for (void* const p : {get(60), get(64 << 20)}) {
    EXPECT_FALSE(stays_in_run(p, 60));
    EXPECT_FALSE(stays_in_run(p, 64 << 20));
    put(p);
  }
  EXPECT_FALSE(stays_in_run(&on_stack, 8));
}

TEST(BlocksDeathTest, ARunIsCheckedForTheSizeThatItHadLast) {
  auto* const p = static_cast<char*>(get(25 * kPageBytes - 200));
  ASSERT_TRUE(stays_in_run(p, 25 * kPageBytes - 100));
  p[25 * kPageBytes - 100] = 1;
  EXPECT_DEATH(stays_in_run(p, 25 * kPageBytes - 50), "realloc\\(\\): corrupt memory at .*beyond the end of the block");
  EXPECT_DEATH(release(p, "free()"), "free\\(\\): corrupt memory at .*beyond the end of the block");
}

TEST(Blocks, AnAddressThatIsNotOursIsLeftAlone) {
  int on_stack = 0;
  EXPECT_FALSE(release(&on_stack, "free()"));
  EXPECT_EQ(usable_bytes(&on_stack, "test"), 0u);
}

TEST(BlocksDeathTest, AnAddressInsideALargeBlockDiesAndNamesIt) {
  auto* const p = static_cast<char*>(get(100000));
  EXPECT_DEATH(release(p + 4096, "free()"), "ashlar: free\\(\\): invalid pointer .*4096 bytes inside the block of");
  auto* const q = static_cast<char*>(get(64 << 20));
  EXPECT_DEATH(release(q + 16, "realloc()"), "ashlar: realloc\\(\\): invalid pointer .*16 bytes inside the block of");
  put(p);
  EXPECT_DEATH(release(p, "free()"), "double free");
  put(q);
}

TEST(Blocks, PerturbedMemoryHasTheByteAndItsComplement) {
  options.perturb = 0x5a;
  options_changed();
  auto* const p = static_cast<unsigned char*>(get(500));
  for (std::size_t i = 0; i < 500; ++i) ASSERT_EQ(p[i], 0xa5u);
  put(p);
  options.perturb = 0;
}

TEST(Blocks, ASignalHandlerThatInterruptedASlowPathGetsABlockOfItsOwn) {
  put(get(64));
  std::vector<void*> mine;
  {
    const Busy busy(*current);
    EXPECT_TRUE(interrupted());
    for (const std::size_t size : {0, 1, 100, 5000}) {
      auto* const p = static_cast<char*>(allocate_emergency(size));
      ASSERT_NE(p, nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % kMinAlign, 0u);
      EXPECT_GE(usable_bytes(p, "test"), size);
      std::memset(p, 1, size);
      mine.push_back(p);
    }
  }
  EXPECT_FALSE(interrupted());
  for (void* const p : mine) EXPECT_TRUE(release(p, "free()"));
}

void* last_of_round = nullptr;

TEST(Blocks, TheEmergencyStoreGrowsAndIsUsedAgain) {
  for (int round = 0; round < 50; ++round) {
    std::vector<void*> mine;
    for (const std::size_t size : {std::size_t{100}, 10_MiB, 200_KiB, std::size_t{1}}) {
      void* const p = allocate_emergency(size, size > 1000 ? 4096 : kMinAlign);
      ASSERT_NE(p, nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % (size > 1000 ? 4096 : kMinAlign), 0u);
      EXPECT_GE(usable_bytes(p, "test"), size);
      EXPECT_EQ(peek_usable_bytes(p), usable_bytes(p, "test"));
      std::memset(p, 1, size);
      mine.push_back(p);
    }
    if (round > 0) {
      EXPECT_EQ(mine.back(), last_of_round) << "an empty chunk begins anew";
    }
    last_of_round = mine.back();
    for (void* const p : mine) EXPECT_TRUE(release(p, "free()"));
  }
  EXPECT_EQ(allocate_emergency(std::size_t{1} << 50), nullptr);
}

// Regression: the list of a size that only the alignment makes too large lay behind the last one, in the next chunk.
TEST(Blocks, TheEmergencyStoreHasNoListForMoreThanItsLargestSize) {
  constexpr std::size_t kLargest = 128_GiB;
  std::vector<void*> blocks;
  for (int i = 0; i < 40; ++i) blocks.push_back(allocate_emergency(100000));  // in more than one chunk
  for (std::size_t alignment = 32; alignment <= 1 << 20; alignment *= 2) {
    EXPECT_EQ(allocate_emergency(kLargest - 8, alignment), nullptr) << alignment;
  }
  void* const other = allocate_emergency(16);
  EXPECT_EQ(std::find(blocks.begin(), blocks.end(), other), blocks.end()) << "it is in use";
  EXPECT_TRUE(release(other, "free()"));
  for (void* const p : blocks) EXPECT_TRUE(release(p, "free()"));
}

TEST(Blocks, AnEmergencyStoreMadeAnewBeginsWithTheSameBlock) {
  ashlar_test::make_fresh(emergency);
  void* const first = allocate_emergency(100);
  EXPECT_NE(allocate_emergency(100), first);
  ashlar_test::make_fresh(emergency);
  EXPECT_EQ(usable_emergency(first), 0u) << "it is nobody's";
  EXPECT_EQ(allocate_emergency(100), first);
}

TEST(Blocks, TheEmergencyStoreUsesFreedBlocksAgainBesideOneThatStays) {
  void* const stays = allocate_emergency(100);
  std::uintptr_t low = UINTPTR_MAX, high = 0;
  for (std::size_t i = 0; i < 100000; ++i) {
    void* blocks[4];
    for (void*& block : blocks) {
      block = allocate_emergency(i % 1000 + 100, &block == blocks ? 64 : kMinAlign);
      ASSERT_NE(block, nullptr);
      low = std::min(low, reinterpret_cast<std::uintptr_t>(block));
      high = std::max(high, reinterpret_cast<std::uintptr_t>(block));
    }
    for (void* const block : blocks) ASSERT_TRUE(release(block, "free()"));
  }
  EXPECT_LT(high - low, 256_KiB) << "the blocks do not fit into the first chunk";
  EXPECT_TRUE(release(stays, "free()"));
}

TEST(Blocks, ThreadsShareTheFreedBlocksOfTheEmergencyStore) {
  constexpr std::size_t kSizes[] = {16, 700, 5000, 70000};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([t, &kSizes] {
      std::size_t* mine[8] = {};
      for (std::size_t i = 0; i < 50000; ++i) {
        std::size_t*& block = mine[(i * 7 + i / 3) % 8];
        if (block != nullptr) {
          ASSERT_EQ(*block, t ^ reinterpret_cast<std::uintptr_t>(block)) << "two threads have one block";
          ASSERT_TRUE(release(block, "free()"));
        }
        block = static_cast<std::size_t*>(allocate_emergency(kSizes[i % std::size(kSizes)]));
        ASSERT_NE(block, nullptr);
        *block = t ^ reinterpret_cast<std::uintptr_t>(block);
      }
      for (std::size_t* const block : mine) ASSERT_TRUE(release(block, "free()"));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Blocks, WhatASignalHandlerFreesIsFreedLater) {
  static std::vector<void*> freed;
  void* const p = get(64);
  {
    const Busy busy(*current);
    EXPECT_TRUE(release(p, "free()"));
  }
  ASSERT_TRUE(has_deferred());
  for_deferred([](void* block, std::uint8_t) { freed.push_back(block); });
  EXPECT_EQ(freed, std::vector<void*>{p});
  EXPECT_FALSE(has_deferred());
  put(p);
}

// Whoever ends what such blocks lie in has to wait until all of them are freed, by whichever thread.
TEST(Blocks, AThreadThatFreesWhatWasDeferredIsSeen) {
  static std::atomic<int> step;
  step = 0;
  void* const p = get(64);
  {
    const Busy busy(*current);
    EXPECT_TRUE(release(p, "free()"));
  }
  std::thread other([] {
    for_deferred([](void* block, std::uint8_t) {
      EXPECT_FALSE(frees_deferred()) << "a thread does not wait for itself";
      step = 1;
      while (step != 2) std::this_thread::yield();
      put(block);
    });
  });
  while (step != 1) std::this_thread::yield();
  EXPECT_FALSE(has_deferred());
  EXPECT_TRUE(frees_deferred());
  step = 2;
  other.join();
  EXPECT_FALSE(frees_deferred());
}

}  // namespace
}  // namespace ashlar::heap
