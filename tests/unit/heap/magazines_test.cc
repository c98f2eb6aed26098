// heap: tests the two magazines of a bin: how they grow, and that their sum is bounded.
#include "heap/heap_fixture.h"

namespace ashlar::heap {
namespace {

class MagazinesTest : public testing::Test {
 protected:
  MagazinesTest() { grow_up(); }
};

TEST_F(MagazinesTest, AFreedObjectIsTheNextOneHandedOut) {
  void* const p = get(64);
  put(p);
  EXPECT_EQ(get(64), p);
  put(p);
}

TEST_F(MagazinesTest, GoingToAndFroAcrossAFullMagazineLeavesTheDepotAlone) {
  const SizeClass c = slab::class_for(64);
  put_all(get_many(64, 2000));  // magazines are large by now
  // empty the loaded one, then to and fro around that point
  auto blocks = get_many(64, held(c) - current->bins[c.raw].previous_count);
  const slab::CacheCounts before = slab::counts(c);
  for (int i = 0; i < 1000; ++i) {
    void* const p = get(64);
    void* const q = get(64);
    put(p);
    put(q);
  }
  EXPECT_EQ(slab::counts(c).depot_magazines, before.depot_magazines);
  EXPECT_EQ(slab::counts(c).out, before.out);
  put_all(blocks);
}

TEST_F(MagazinesTest, MissesAreRareWhereAPatternRepeats) {
  put_all(get_many(64, 2000));
  put_all(get_many(64, 2000));
  const std::uint32_t before = current->misses;
  for (int i = 0; i < 10; ++i) put_all(get_many(64, 2000));
  EXPECT_LT(current->misses - before, 10 * 2 * 2000 / 32u) << "of 40 000 calls";
}

TEST_F(MagazinesTest, AFirstBlockTakesFewObjects) {
  const SizeClass c = slab::class_for(20480);
  const std::uint64_t before = slab::counts(c).out;
  void* const p = get(20480);
  EXPECT_LE(slab::counts(c).out - before, 2u);
  put(p);
}

TEST_F(MagazinesTest, MagazinesGrowWithUseUpToTheirClasssLimit) {
  const SizeClass c = slab::class_for(80);
  std::uint16_t last = current->bins[c.raw].limit;
  for (int i = 0; i < 40; ++i) {
    put_all(get_many(80, 1000));
    EXPECT_GE(current->bins[c.raw].limit, last);
    last = current->bins[c.raw].limit;
  }
  EXPECT_GT(last, 32u);
  EXPECT_LE(last, slab::info_of(c).magazine);
}

TEST_F(MagazinesTest, AllBinsTogetherHoldABoundedNumberOfBytes) {
  for (int round = 0; round < 6; ++round) {
    for (unsigned c = 1; c < slab::kClasses; ++c) {
      put_all(get_many(slab::size_of(SizeClass(c)), 3 * slab::info_of(SizeClass(c)).magazine));
    }
    EXPECT_LE(held_bytes(), 1_MiB) << "after round " << round;
  }
}

TEST_F(MagazinesTest, CountsAgreeWithTheLists) {
  for (const std::size_t size : {16, 64, 1000, 8000}) {
    const SizeClass c = slab::class_for(size);
    const auto blocks = get_many(size, 77);
    EXPECT_EQ(counts().cached[c.raw], held(c)) << size;
    put_all(blocks);
    EXPECT_EQ(counts().cached[c.raw], held(c)) << size;
    const slab::CacheCounts n = slab::counts(c);
    EXPECT_EQ(n.out, n.depot_objects + held(c)) << "all are free";
  }
}

TEST_F(MagazinesTest, ANewEpochEmptiesMagazinesAtTheNextMiss) {
  const SizeClass c = slab::class_for(256);
  put_all(get_many(256, 500));
  ASSERT_GT(held(c), 0u);
  page::signals.shrink_epoch.fetch_add(1);
  const auto blocks = get_many(30000, 40);  // misses
  EXPECT_EQ(held(c), 0u);
  EXPECT_EQ(slab::counts(c).out, 0u) << "the depot is empty too";
  put_all(blocks);
}

TEST_F(MagazinesTest, ANewEpochEmptiesDepotsAtSeveralMisses) {
  const SizeClass c = slab::class_for(256);
  put_all(get_many(256, 20000));
  const std::uint64_t before = slab::counts(c).out;
  ASSERT_GT(before, 2000u);
  page::signals.shrink_epoch.fetch_add(1);
  std::vector<void*> blocks;
  unsigned falls = 0;
  for (std::uint64_t out = before; blocks.size() < 400; out = slab::counts(c).out) {
    blocks.push_back(get(100000));  // a miss
    ASSERT_LE(out - slab::counts(c).out, before / 4);
    if (slab::counts(c).out < out) ++falls;
  }
  EXPECT_GT(falls, 8u);
  EXPECT_EQ(slab::counts(c).out, 0u);
  put_all(blocks);
}

TEST_F(MagazinesTest, ShrinkingGivesEverythingBack) {
  for (unsigned c = 1; c < slab::kClasses; ++c) put_all(get_many(slab::size_of(SizeClass(c)), 50));
  shrink();
  EXPECT_EQ(held_bytes(), 0u);
  for (unsigned c = 1; c < slab::kClasses; ++c) {
    EXPECT_EQ(slab::counts(SizeClass(c)).out, 0u) << slab::size_of(SizeClass(c));
    EXPECT_EQ(slab::counts(SizeClass(c)).slabs, 0u);
  }
  put(get(64));
}

}  // namespace
}  // namespace ashlar::heap
