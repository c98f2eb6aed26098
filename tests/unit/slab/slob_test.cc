// slab: tests slob: first fit in shared blocks, sizes from the bitmaps, and addresses at which no object starts.
#include "slab/slob.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "slab/slab_fixture.h"

namespace ashlar::slob {
namespace {

class SlobTest : public slab::SlabTest {
 protected:
  static void* get(std::size_t bytes, std::size_t alignment = kMinAlign) {
    return allocate(bytes, alignment, page::node_at(NodeId(0)));
  }
  static void put(void* p) { release(p, "free()"); }
  static std::size_t usable(const void* p) { return usable_bytes(p, "free()"); }
  static std::uintptr_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }
};

using SlobDeathTest = SlobTest;

TEST_F(SlobTest, ObjectsOfOneListLieSideBySideAndAreToldApart) {
  auto* const a = static_cast<char*>(get(1));
  auto* const b = static_cast<char*>(get(100));
  auto* const c = static_cast<char*>(get(16));
  auto* const d = static_cast<char*>(get(0));
  EXPECT_EQ(b, a + 16);
  EXPECT_EQ(c, b + 112);
  EXPECT_EQ(d, c + 16) << "an object of 0 bytes is one of its own";
  EXPECT_EQ(usable(a), 16u);
  EXPECT_EQ(usable(b), 112u);
  EXPECT_EQ(usable(c), 16u);
  EXPECT_EQ(usable(d), 16u);
  EXPECT_EQ(counts().blocks, 1u);
  EXPECT_EQ(counts().objects, 4u);
  EXPECT_EQ(counts().live_bytes, 160u);
  EXPECT_EQ(counts().pages.bytes(), 16384u);
}

TEST_F(SlobTest, SizesAreKeptInThreeLists) {
  const void* const of_lists[] = {get(255), get(256), get(1024)};
  EXPECT_EQ(counts().blocks, 3u);
  EXPECT_EQ(get(16), static_cast<const char*>(of_lists[0]) + 256);
  EXPECT_EQ(get(1023), static_cast<const char*>(of_lists[1]) + 256);
  EXPECT_EQ(get(8192), static_cast<const char*>(of_lists[2]) + 1024);
  EXPECT_EQ(counts().blocks, 3u);
}

TEST_F(SlobTest, TheFirstPlaceThatFitsIsTaken) {
  void* const a = get(64);
  void* const b = get(32);
  void* const c = get(128);
  get(16);
  put(b);
  put(a);
  EXPECT_EQ(get(80), a) << "neighbours that are free are one place";
  EXPECT_EQ(get(16), static_cast<char*>(a) + 80);
  put(c);
  EXPECT_EQ(get(112), c);
}

TEST_F(SlobTest, AFullBlockIsLeftAloneUntilSomethingInItIsFree) {
  std::vector<void*> all;
  for (int i = 0; i < 16384 / 128; ++i) all.push_back(get(128));
  EXPECT_EQ(counts().blocks, 1u);
  get(128);
  EXPECT_EQ(counts().blocks, 2u);
  put(all[77]);
  EXPECT_EQ(get(128), all[77]);
}

TEST_F(SlobTest, AnEmptyBlockGoesBack) {
  std::vector<void*> all;
  for (int i = 0; i < 1000; ++i) all.push_back(get(100));
  EXPECT_EQ(pages_.live_blocks, counts().blocks);
  EXPECT_TRUE(holds(all[0]));
  const std::size_t metadata_before = counts().blocks;
  for (void* const p : all) put(p);
  EXPECT_EQ(pages_.live_blocks, 0u);
  EXPECT_EQ(counts().blocks, 0u);
  EXPECT_EQ(counts().live_bytes, 0u);
  EXPECT_FALSE(holds(all[0]));
  for (int i = 0; i < 1000; ++i) get(100);
  EXPECT_EQ(counts().blocks, metadata_before);
}

TEST_F(SlobTest, AnAlignedObjectLiesAtItsAlignment) {
  for (std::size_t alignment = 16; alignment <= kMaxAlignment; alignment *= 2) {
    for (const std::size_t size : {1, 24, 300, 4000, 8192}) {
      get(16);
      void* const p = get(size, alignment);
      EXPECT_EQ(address(p) % alignment, 0u);
      EXPECT_GE(usable(p), size);
    }
  }
}

TEST_F(SlobTest, AnObjectShrinksInPlaceAndGrowsWhereTheNextPlaceIsFree) {
  void* const a = get(200);
  void* const b = get(16);
  EXPECT_FALSE(resize(a, 300)) << "b is in the way";
  EXPECT_TRUE(resize(a, 100));
  EXPECT_EQ(usable(a), 112u);
  EXPECT_TRUE(resize(a, 208));
  EXPECT_EQ(usable(a), 208u);
  EXPECT_TRUE(resize(b, 3000));
  EXPECT_EQ(usable(b), 3008u);
  EXPECT_EQ(usable(a), 208u);
  EXPECT_FALSE(resize(b, kMaxBytes + 1));
  EXPECT_FALSE(resize(get(4000), 16384 + 16)) << "over the block's end";
}

TEST_F(SlobTest, WithoutPagesOrMetadataThereIsNothing) {
  pages_.metadata_refused = true;
  EXPECT_EQ(get(16), nullptr);
  pages_.metadata_refused = false;
  pages_.block_budget = 1;
  void* const p = get(16);
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(get(300), nullptr) << "of another list";
  EXPECT_NE(get(16), nullptr) << "the block has room";
  pages_.block_budget = 1;
  EXPECT_NE(get(300), nullptr);
}

TEST_F(SlobTest, RandomObjectsNeverOverlapAndAreCountedExactly) {
  struct Live {
    std::size_t size;
    unsigned char fill;
  };
  std::map<unsigned char*, Live> live;
  std::uint64_t random = 12345;
  const auto below = [&random](std::uint64_t n) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    return (random >> 33) % n;
  };
  for (int step = 0; step < 60000; ++step) {
    const bool growing = step < 30000;
    if (below(10) < (growing ? 6u : 4u)) {
      const std::size_t size = below(3) == 0 ? below(kMaxBytes + 1) : below(300),
                        alignment = std::size_t{16} << below(9);
      auto* const p = static_cast<unsigned char*>(get(size, below(4) == 0 ? alignment : 16));
      ASSERT_NE(p, nullptr);
      const std::size_t bytes = usable(p);
      ASSERT_EQ(bytes, round_up(size != 0 ? size : 1, 16));
      const auto next = live.lower_bound(p);
      ASSERT_TRUE(next == live.end() || p + bytes <= next->first);
      ASSERT_TRUE(next == live.begin() || std::prev(next)->first + std::prev(next)->second.size <= p);
      const auto fill = static_cast<unsigned char>(step);
      std::memset(p, fill, bytes);
      live[p] = {bytes, fill};
    } else if (!live.empty()) {
      auto it = live.lower_bound(reinterpret_cast<unsigned char*>(live.begin()->first + below(std::size_t{1} << 22)));
      if (it == live.end()) it = live.begin();
      auto* const p = it->first;
      ASSERT_TRUE(std::all_of(p, p + it->second.size, [&](unsigned char c) { return c == it->second.fill; }));
      if (below(3) == 0) {
        const std::size_t wanted = 1 + below(2 * it->second.size);
        if (resize(p, wanted)) it->second.size = round_up(wanted, 16);
        ASSERT_EQ(usable(p), it->second.size);
        ASSERT_EQ(peek_bytes(p), it->second.size);
        std::memset(p, it->second.fill, it->second.size);
      } else {
        put(p);
        live.erase(it);
      }
    }
    if (step % 1000 == 0) {
      std::size_t bytes = 0;
      for (const auto& [p, object] : live) bytes += object.size;
      ASSERT_EQ(counts().live_bytes, bytes);
      ASSERT_EQ(counts().objects, live.size());
    }
  }
  for (const auto& [p, object] : live) put(p);
  EXPECT_EQ(pages_.live_blocks, 0u);
}

TEST_F(SlobDeathTest, WhatIsNoObjectIsTold) {
  auto* const a = static_cast<char*>(get(100));
  get(16);
  EXPECT_DEATH(put(a + 16), "free\\(\\): invalid pointer .*it lies 16 bytes inside the block of 112 bytes");
  EXPECT_EQ(peek_bytes(a + 16), 0u);
  EXPECT_DEATH(put(a + 1), "it lies 1 bytes inside the block of 112 bytes");
  EXPECT_DEATH(usable(a + 96), "it lies 96 bytes inside");
  EXPECT_DEATH(put(a + 4096), "nothing is allocated there");
  put(a);
  EXPECT_DEATH(put(a), "nothing is allocated there");
}

TEST_F(SlobTest, AForkTakesItsLockAndTheChildGoesOn) {
  void* const p = get(100);
  lock_for_fork();
  unlock_in_parent();
  lock_for_fork();
  reset_in_child();
  put(p);
  EXPECT_NE(get(100), nullptr);
}

}  // namespace
}  // namespace ashlar::slob
