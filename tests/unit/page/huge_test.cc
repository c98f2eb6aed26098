// page: tests the zone Huge (hugepages=dense).
#include <algorithm>

#include "page/page_fixture.h"
#include "page/reclaim.h"

namespace ashlar::page {
namespace {

// A look at a private member, as an explicit instantiation may name it ([temp.spec.general]).
const Feedback& feedback_of(const Zone& zone);
template <auto kFeedback>
struct Look {
  friend const Feedback& feedback_of(const Zone& zone) { return zone.*kFeedback; }
};
template struct Look<&Zone::feedback_>;

constexpr std::size_t kLarge = 8192;  // pages: 32 MiB
constexpr std::uint32_t kUnit = 512;
constexpr unsigned kOrder = 3;
constexpr unsigned kSlabs = kUnit >> kOrder;  // in a unit

class HugeTest : public PageTest {
 public:
  HugeTest() {
    options.hugepages = HugePages::kDense;
    options.dirty_min = 0;
    options.dirty_ratio = 0;
  }
  ~HugeTest() override { options.hugepages = HugePages::kNever; }

  static void use(std::size_t pages) {
    for (std::size_t n = 0; n < pages; n += 1024) ASSERT_TRUE(alloc_run(local_node(), PageCount(1024), kPageBytes));
  }

  static Page* slab() { return alloc_slab_pages(local_node(), Order(kOrder)); }
  static void free_slab(Page* slab) { free_slab_pages(slab, Order(kOrder).pages()); }
  static Zone* huge() { return local_node().huge; }
  static bool in_huge(const Page* page) { return arena_of(page).zone == huge() && huge() != nullptr; }
  static std::uintptr_t unit_of(const Page* page) { return round_down(page_address(page), os::kHugeBytes); }

  static std::size_t purge_old() {
    Budget budget = Budget::helper();
    return huge()->purge(PageCount(), AgeMs(), budget).raw;
  }

  // A unit's slabs, the lowest first.
  static std::vector<Page*> unit_of_slabs() {
    std::vector<Page*> slabs;
    for (unsigned i = 0; i < kSlabs; ++i) slabs.push_back(slab());
    std::sort(slabs.begin(), slabs.end());
    for (const Page* page : slabs) EXPECT_EQ(unit_of(page), unit_of(slabs.front()));
    return slabs;
  }

  [[nodiscard]] bool has(const std::vector<fake_os::Range>& ranges, std::uintptr_t start, std::size_t bytes) const {
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const fake_os::Range& range) { return range.start == start && range.bytes == bytes; });
  }
};

TEST_F(HugeTest, ALargeHeapsSlabsFillOneUnitAfterTheOther) {
  use(kLarge);
  ASSERT_EQ(huge(), nullptr);
  const Page* const first = slab();
  ASSERT_TRUE(in_huge(first));
  EXPECT_STREQ(zone_name_of(reinterpret_cast<void*>(page_address(first))), "Huge");
  EXPECT_STREQ(zone_name_of(reinterpret_cast<void*>(arenas[0].base)), "Normal");
  EXPECT_TRUE(has(os_.huge, arena_of(first).base, PageCount(arena_of(first).pages).bytes()));
  EXPECT_EQ(counts().dirty_free.raw, kUnit - 8u) << "the first touch brings the whole unit";
  for (unsigned i = 1; i < kSlabs; ++i) EXPECT_EQ(unit_of(slab()), unit_of(first)) << i;
  EXPECT_EQ(counts().dirty_free.raw, 0u);
  EXPECT_NE(unit_of(slab()), unit_of(first));
  expect_sound_zone();
}

TEST_F(HugeTest, RunsComeFromItAndTakeTheSamePlaceAgain) {
  use(kLarge);
  for (const std::size_t pages : {8u, 100u, 512u, 1300u, 8192u}) {
    const Run run = alloc_run(local_node(), PageCount(pages), kPageBytes);
    ASSERT_TRUE(run) << pages;
    EXPECT_TRUE(in_huge(run_head(run.first))) << pages;
    ASSERT_TRUE(free_run(run.first));
    EXPECT_GE(counts().dirty_free.raw, pages);
    const Run again = alloc_run(local_node(), PageCount(pages), kPageBytes);
    EXPECT_EQ(again.first.raw, run.first.raw);
    EXPECT_FALSE(again.zeroed);
    expect_sound_zone();
    ASSERT_TRUE(free_run(again.first));
    reclaim_all();
    EXPECT_EQ(counts().dirty_free.raw, 0u) << pages;
  }
}

TEST_F(HugeTest, ARunGrowsIntoItsUnitsAlone) {
  use(kLarge);
  const Run run = alloc_run(local_node(), PageCount(500), kPageBytes);
  EXPECT_TRUE(resize_run(run.first, PageCount(512)));
  EXPECT_FALSE(resize_run(run.first, PageCount(600)));
  EXPECT_TRUE(resize_run(run.first, PageCount(8)));
  EXPECT_EQ(counts().dirty_free.raw, kUnit - 8u);
  expect_sound_zone();
}

TEST_F(HugeTest, AUnitIsDividedForAQuarterOfItInTheBackground) {
  use(kLarge);
  const std::vector<Page*> slabs = unit_of_slabs();
  for (unsigned i = 0; i < kSlabs / 4 - 1; ++i) free_slab(slabs[i]);
  EXPECT_EQ(purge_old(), 0u);
  free_slab(slabs[kSlabs / 4 - 1]);
  EXPECT_EQ(purge_old(), kUnit / 4u);
  EXPECT_TRUE(has(os_.no_huge, unit_of(slabs[0]), os::kHugeBytes)) << "khugepaged keeps from what is left of it";
  free_slab(slabs[kSlabs - 1]);
  EXPECT_EQ(purge_old(), 0u);
  EXPECT_FALSE(huge()->has_purgeable()) << "kswapd need not come back for it";
  reclaim_all();
  EXPECT_EQ(counts().dirty_free.raw, 0u) << "a trim takes all";
  expect_sound_zone();
}

TEST_F(HugeTest, AUnitThatIsFreeGoesAsAWholeAndMayBeHugeAgain) {
  use(kLarge);
  const std::vector<Page*> slabs = unit_of_slabs();
  for (Page* const page : slabs) free_slab(page);
  os_.huge.clear();
  EXPECT_EQ(purge_old(), kUnit);
  EXPECT_TRUE(has(os_.huge, unit_of(slabs[0]), os::kHugeBytes));
  const Page* const page = slab();
  EXPECT_EQ(counts().dirty_free.raw, kUnit - 8u);
  EXPECT_TRUE(in_huge(page));
  expect_sound_zone();
}

TEST_F(HugeTest, UnitsThatWerePurgedAndAreBegunAgainAreRefaults) {
  use(kLarge);
  os_.now_ms = 1000;
  const std::vector<Page*> slabs = unit_of_slabs();
  for (Page* const page : slabs) free_slab(page);
  EXPECT_EQ(purge_old(), kUnit);
  slab();
  const Guard guard(huge()->lock);
  EXPECT_EQ(feedback_of(*huge()).refaults(), kUnit);
}

TEST_F(HugeTest, ASmallHeapHasNone) {
  use(kLarge / 2);
  for (int i = 0; i < 256; ++i) ASSERT_NE(slab(), nullptr);
  EXPECT_EQ(huge(), nullptr);
}

TEST_F(HugeTest, WithoutTheOptionThereIsNone) {
  options.hugepages = HugePages::kNever;
  use(kLarge);
  for (int i = 0; i < 128; ++i) ASSERT_NE(slab(), nullptr);
  EXPECT_EQ(huge(), nullptr);
}

TEST_F(HugeTest, WhereItHasNoMemoryTheNormalZoneServes) {
  options.hugepages = HugePages::kNever;
  const Run run = alloc_run(local_node(), PageCount(1024), kPageBytes);
  use(kLarge);
  options.hugepages = HugePages::kDense;
  ASSERT_TRUE(free_run(run.first));
  os_.largest_reserve = 0;
  const Page* const page = slab();
  ASSERT_NE(page, nullptr);
  EXPECT_EQ(arena_of(page).zone, &normal_zone);
  expect_sound_zone();
}

}  // namespace
}  // namespace ashlar::page
