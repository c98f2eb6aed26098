// check: tests where spans and large blocks are placed.
#include "check/places.h"

#include <algorithm>
#include <vector>

#include "check/check_fixture.h"

namespace ashlar::check {
namespace {

constexpr std::size_t kBytes = 40960;

bool readable(std::uintptr_t address) { return os::readable(reinterpret_cast<const void*>(address), 1); }

class PlacesTest : public CheckTest {
 protected:
#ifdef __SANITIZE_THREAD__
  void SetUp() override { GTEST_SKIP() << "the addresses of places belong to ThreadSanitizer's shadow"; }
#endif
  // A number of regions that are entered into the map, each at a place of its own.
  std::vector<Region> make(std::size_t n, std::size_t bytes) {
    std::vector<Region> regions(n);
    for (Region& region : regions) {
      random_ = next_in_row(random_);
      EXPECT_TRUE(map_place(region, bytes, random_));
      EXPECT_TRUE(set_region(region.start, region.bytes, &region));
    }
    return regions;
  }
  static void end(Region& region) {
    set_region(region.start, region.bytes, nullptr);
    unmap_place(region);
    release_place(region);
  }
  std::uint64_t random_ = 1;
};

TEST_F(PlacesTest, NothingIsMappedAroundARegion) {
  std::vector<Region> regions = make(200, kBytes);
  for (const Region& region : regions) {
    EXPECT_TRUE(readable(region.start) && readable(region.start + region.bytes - 1));
    EXPECT_FALSE(readable(region.start - 1)) << std::hex << region.start;
    EXPECT_FALSE(readable(region.start + region.bytes)) << std::hex << region.start;
  }
  std::for_each(regions.begin(), regions.end(), end);
}

TEST_F(PlacesTest, AnAddressBesideARegionLeadsToIt) {
  std::vector<Region> regions = make(50, kBytes);
  for (Region& region : regions) {
    for (const std::uintptr_t address : {region.start - 1, region.start, region.start + region.bytes + 100}) {
      EXPECT_EQ(region_around(address), &region);
    }
  }
  const std::uintptr_t start = regions[0].start;
  std::for_each(regions.begin(), regions.end(), end);
  EXPECT_EQ(region_around(start), nullptr);
  EXPECT_EQ(region_around(reinterpret_cast<std::uintptr_t>(this)), nullptr);
}

TEST_F(PlacesTest, AMegabyteBesideARegionIsMostOftenNobodys) {
  std::vector<Region> regions = make(50, kBytes);
  std::size_t hits = 0;
  for (const Region& region : regions) {
    hits += readable(region.start + (1 << 20));
    hits += readable(region.start - (1 << 20));
  }
  EXPECT_LE(hits, 25u) << "of 100";
  std::for_each(regions.begin(), regions.end(), end);
}

TEST_F(PlacesTest, RegionsOfOneSizeFollowNoOrder) {
  std::vector<Region> regions = make(100, kBytes);
  std::size_t rising = 0;
  for (std::size_t i = 1; i < regions.size(); ++i) rising += regions[i].start > regions[i - 1].start;
  EXPECT_GT(rising, 25u);
  EXPECT_LT(rising, 75u);
  std::for_each(regions.begin(), regions.end(), end);
}

TEST_F(PlacesTest, SizesWithoutAPlaceAreRefused) {
  Region region;
  EXPECT_FALSE(map_place(region, std::size_t{1} << 40, 1));
  EXPECT_EQ(region.start, 0u);
}

TEST_F(PlacesTest, ARegionGrowsInItsPlaceAsFarAsAGuardIsLeft) {
  std::vector<Region> regions = make(1, kBytes);
  Region& region = regions[0];
  const std::size_t max = max_in_place(region);
  EXPECT_GE(max, kBytes);
  ASSERT_TRUE(vmalloc::resize_at(reinterpret_cast<void*>(region.start), max));
  region.bytes = max;
  EXPECT_TRUE(readable(region.start + max - 1));
  EXPECT_FALSE(readable(region.start + max));
  end(region);
}

}  // namespace
}  // namespace ashlar::check
