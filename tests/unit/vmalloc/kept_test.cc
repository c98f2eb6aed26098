// vmalloc: tests which freed blocks are kept, and for how long.
#include <gtest/gtest.h>

#include "fake_os/fake_os.h"
#include "fake_page/fake_page.h"
#include "vmalloc/vmalloc.h"

namespace ashlar::vmalloc {
namespace {

class KeptTest : public testing::Test {
 protected:
  KeptTest() : os_(fake_os::state()) {
    fake_os::reset();
    options = Options{};
    os_.now_ms = 1000000;
    os_.unmap_needs_no_lock = true;
  }
  ~KeptTest() override {
    drop_kept();
    for (const std::string& error : os_.errors) ADD_FAILURE() << error;
    EXPECT_EQ(fake_os::reserved_bytes(), 0u) << "address space is lost";
    EXPECT_EQ(fake_page::state().outside_pages, 0u);
    EXPECT_EQ(counts().kept_bytes, 0u);
  }

  void* take_some(std::size_t bytes, bool growing = false) {
    bool zeroed = false;
    return take(bytes, growing, zeroed);
  }

  // Makes and frees a block until it is kept.
  void* keep(std::size_t bytes) {
    void* p = nullptr;
    for (int i = 0; i < 3 && counts().kept_areas == 0; ++i) free_or_keep(p = take_some(bytes));
    EXPECT_EQ(counts().kept_bytes, bytes);
    return p;
  }

  fake_os::State& os_;
};

TEST_F(KeptTest, ABlockThatNobodyWantedAgainIsUnmapped) {
  EXPECT_TRUE(free_or_keep(take_some(40_MiB)));
  EXPECT_EQ(counts().kept_areas, 0u);
  EXPECT_FALSE(free_or_keep(&os_)) << "none of ours";
}

TEST_F(KeptTest, TheThirdOfEqualBlocksIsTheSecond) {
  void* const second = keep(40_MiB);
  bool zeroed = false;
  void* const third = take(40_MiB, false, zeroed);
  EXPECT_EQ(third, second);
  EXPECT_FALSE(zeroed);
  EXPECT_EQ(bytes_of(third), 40_MiB);
  free_or_keep(third);
}

TEST_F(KeptTest, ZerosComeFromTheSystem) {
  keep(40_MiB);
  bool zeroed = true;
  void* const p = take(40_MiB, false, zeroed);
  EXPECT_TRUE(zeroed);
  EXPECT_EQ(counts().kept_areas, 1u);
  free(p);
}

TEST_F(KeptTest, AKeptBlockIsNotThereForWhoAsks) {
  void* const p = keep(40_MiB);
  const void* start = nullptr;
  std::size_t bytes = 0;
  EXPECT_EQ(bytes_of(p), 0u);
  EXPECT_FALSE(find_around(p, start, bytes));
  EXPECT_FALSE(free_or_keep(p)) << "freed twice";
  EXPECT_FALSE(free(p));
  EXPECT_EQ(counts().areas, 0u);
}

TEST_F(KeptTest, AShorterOrLongerBlockIsMadeOfAKeptOne) {
  keep(40_MiB);
  void* const p = take_some(30_MiB);
  EXPECT_EQ(counts().kept_areas, 0u);
  EXPECT_EQ(bytes_of(p), 30_MiB);
  free_or_keep(p);
  ASSERT_EQ(counts().kept_areas, 1u);
  void* const q = take_some(50_MiB);
  EXPECT_EQ(counts().kept_areas, 0u);
  EXPECT_EQ(bytes_of(q), 50_MiB);
  free_or_keep(q);
}

TEST_F(KeptTest, ABlockThatGrowsTakesALongerOneAndASteppingStone) {
  keep(4_MiB);
  void* const p = take_some(2_MiB, true);
  EXPECT_EQ(bytes_of(p), 4_MiB) << "it will need it";
  free_or_keep(p);
  void* const small = take_some(1_MiB / 2, true);
  EXPECT_EQ(counts().kept_areas, 1u) << "eight times as long is too much";
  free(small);
}

TEST_F(KeptTest, WhatIsOldIsUnmappedByTheHelperAtOnceAndByOthersInSteps) {
  keep(40_MiB);
  reap_step();
  EXPECT_TRUE(reap()) << "more, later";
  EXPECT_EQ(counts().kept_bytes, 40_MiB) << "it is young";
  os_.now_ms += 2 * options.decay_ms;
  reap_step();
  EXPECT_EQ(counts().kept_bytes, 39_MiB);
  EXPECT_FALSE(reap());
  EXPECT_EQ(counts().kept_areas, 0u);
}

TEST_F(KeptTest, BesideAHelperABlockBelowTheHeightIsKept) {
  fake_page::state().has_helper = true;
  free_or_keep(take_some(40_MiB));
  EXPECT_EQ(counts().kept_areas, 1u);
  fake_page::state().has_helper = false;
}

TEST_F(KeptTest, OlderOnesMakeWay) {
  keep(40_MiB);
  for (int i = 0; i < 3; ++i) free_or_keep(take_some(100_MiB));
  EXPECT_EQ(counts().kept_bytes, 100_MiB);
}

TEST_F(KeptTest, WithoutMemoryForABlockTheKeptOnesGo) {
  keep(40_MiB);
  fake_page::state().limit_pages = 50_MiB / kPageBytes;
  void* const p = alloc(45_MiB, 16);
  EXPECT_NE(p, nullptr);
  EXPECT_EQ(counts().kept_areas, 0u);
  free(p);
  fake_page::state().limit_pages = SIZE_MAX;
}

TEST_F(KeptTest, WithoutMemoryForABlockThatGrowsOrHasAPlaceTheKeptOnesGo) {
  auto* const place = reinterpret_cast<void*>(std::uintptr_t{0x200000000000});
  void* const growing = alloc(1_MiB, 16);
  keep(40_MiB);
  fake_page::state().limit_pages = 50_MiB / kPageBytes;
  EXPECT_TRUE(alloc_at(place, 20_MiB));
  EXPECT_EQ(counts().kept_areas, 0u);
  EXPECT_FALSE(resize_at(place, 60_MiB)) << "too much without kept ones as well";
  EXPECT_TRUE(free(place));

  fake_page::state().limit_pages = SIZE_MAX;
  ASSERT_TRUE(alloc_at(place, 1_MiB));
  keep(40_MiB);
  fake_page::state().limit_pages = 50_MiB / kPageBytes;
  EXPECT_TRUE(resize_at(place, 20_MiB));
  EXPECT_EQ(bytes_of(place), 20_MiB);
  EXPECT_EQ(counts().kept_areas, 0u);
  EXPECT_TRUE(free(place));

  fake_page::state().limit_pages = SIZE_MAX;
  keep(40_MiB);
  fake_page::state().limit_pages = 50_MiB / kPageBytes;
  void* const grown = resize(growing, 20_MiB);
  ASSERT_NE(grown, nullptr);
  EXPECT_EQ(bytes_of(grown), 20_MiB);
  EXPECT_EQ(counts().kept_areas, 0u);
  EXPECT_TRUE(free(grown));
  fake_page::state().limit_pages = SIZE_MAX;
}

}  // namespace
}  // namespace ashlar::vmalloc
