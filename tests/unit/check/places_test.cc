// check: where spans and large blocks lie.
#include "check/places.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace ashlar::check {
namespace {

constexpr std::size_t kBytes = 40960;

bool readable(std::uintptr_t address) { return os::readable(reinterpret_cast<const void*>(address), 1); }

class PlacesTest : public testing::Test {
 protected:
#ifdef __SANITIZE_THREAD__
  void SetUp() override { GTEST_SKIP() << "the addresses of places belong to ThreadSanitizer's shadow"; }
#endif
  PlacesTest() {
    settings.key = os::process_key();
    settings.places = derive(Use::kPlaces);
  }
  // A number of areas that are entered into the map, each at a place of its own.
  std::vector<Area> make(std::size_t n, std::size_t bytes) {
    std::vector<Area> areas(n);
    for (Area& area : areas) {
      random_ = next_in_row(random_);
      EXPECT_TRUE(map_place(area, bytes, random_));
      EXPECT_TRUE(set_area(area.start, area.bytes, &area));
    }
    return areas;
  }
  static void end(Area& area) {
    set_area(area.start, area.bytes, nullptr);
    unmap_place(area);
    give_place(area);
  }
  std::uint64_t random_ = 1;
};

TEST_F(PlacesTest, NothingIsMappedAroundAnArea) {
  std::vector<Area> areas = make(200, kBytes);
  for (const Area& area : areas) {
    EXPECT_TRUE(readable(area.start) && readable(area.start + area.bytes - 1));
    EXPECT_FALSE(readable(area.start - 1)) << std::hex << area.start;
    EXPECT_FALSE(readable(area.start + area.bytes)) << std::hex << area.start;
  }
  std::for_each(areas.begin(), areas.end(), end);
}

TEST_F(PlacesTest, AnAddressBesideAnAreaLeadsToIt) {
  std::vector<Area> areas = make(50, kBytes);
  for (Area& area : areas) {
    for (const std::uintptr_t address : {area.start - 1, area.start, area.start + area.bytes + 100}) {
      EXPECT_EQ(area_around(address), &area);
    }
  }
  const std::uintptr_t start = areas[0].start;
  std::for_each(areas.begin(), areas.end(), end);
  EXPECT_EQ(area_around(start), nullptr);
  EXPECT_EQ(area_around(reinterpret_cast<std::uintptr_t>(this)), nullptr);
}

TEST_F(PlacesTest, AMegabyteBesideAnAreaIsMostOftenNobodys) {
  std::vector<Area> areas = make(50, kBytes);
  std::size_t hits = 0;
  for (const Area& area : areas) {
    hits += readable(area.start + (1 << 20));
    hits += readable(area.start - (1 << 20));
  }
  EXPECT_LE(hits, 25u) << "of 100";
  std::for_each(areas.begin(), areas.end(), end);
}

TEST_F(PlacesTest, AreasOfOneSizeFollowNoOrder) {
  std::vector<Area> areas = make(100, kBytes);
  std::size_t rising = 0;
  for (std::size_t i = 1; i < areas.size(); ++i) rising += areas[i].start > areas[i - 1].start;
  EXPECT_GT(rising, 25u);
  EXPECT_LT(rising, 75u);
  std::for_each(areas.begin(), areas.end(), end);
}

TEST_F(PlacesTest, SizesWithoutAPlaceAreRefused) {
  Area area;
  EXPECT_FALSE(map_place(area, std::size_t{1} << 40, 1));
  EXPECT_EQ(area.start, 0u);
}

TEST_F(PlacesTest, AnAreaGrowsInItsPlaceAsFarAsAGuardIsLeft) {
  std::vector<Area> areas = make(1, kBytes);
  Area& area = areas[0];
  const std::size_t most = most_in_place(area);
  EXPECT_GE(most, kBytes);
  ASSERT_TRUE(vmalloc::resize_at(reinterpret_cast<void*>(area.start), most));
  area.bytes = most;
  EXPECT_TRUE(readable(area.start + most - 1));
  EXPECT_FALSE(readable(area.start + most));
  end(area);
}

}  // namespace
}  // namespace ashlar::check
