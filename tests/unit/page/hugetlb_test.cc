// page: tests memory from the reserved pool (hugepages=reserved).
#include "page/hugetlb.h"

#include "page/page_fixture.h"
#include "page/reclaim.h"

namespace ashlar::page {
namespace {

constexpr std::size_t kLarge = 8192;  // pages: 32 MiB, from which on there is a zone Huge
constexpr std::uint32_t kUnit = 512;

class HugetlbTest : public PageTest {
 public:
  HugetlbTest() {
    options.hugepages = HugePages::kReserved;
    options.dirty_min = 0;
    options.dirty_ratio = 0;
    for (std::size_t n = 0; n < kLarge; n += 1024) EXPECT_TRUE(alloc_run(local_node(), PageCount(1024), kPageBytes));
  }
  ~HugetlbTest() override { options.hugepages = HugePages::kNever; }

  static Zone* huge() { return local_node().huge; }
  static Run run(std::size_t pages) { return alloc_run(local_node(), PageCount(pages), kPageBytes); }
  static bool is_pinned(const Run& run) { return arena_of(run_head(run.first)).pinned; }
  [[nodiscard]] std::size_t mapped() const {
    std::size_t sum = 0;
    for (const auto& [start, bytes] : os_.pool_mappings) sum += bytes;
    return sum;
  }
  static std::size_t from_pool() { return PageCount(huge()->from_pool).bytes(); }
};

TEST_F(HugetlbTest, AnArenaComesFromThePoolWithAsMuchSetAside) {
  os_.pool_free = 64_MiB;
  const Run first = run(100);
  ASSERT_TRUE(is_pinned(first));
  EXPECT_EQ(pool_use.bytes, from_pool());
  EXPECT_EQ(mapped(), 2 * from_pool());
  EXPECT_TRUE(os_.huge.empty()) << "the kernel is asked for no transparent huge pages";
  expect_sound_zone();
}

TEST_F(HugetlbTest, ASmallPoolServesWhatItCanAndOrdinaryMemoryTheRest) {
  os_.pool_free = 13_MiB;
  const Run first = run(100);
  ASSERT_TRUE(is_pinned(first));
  EXPECT_EQ(from_pool(), 2_MiB);
  const Run second = run(2000);
  ASSERT_TRUE(second);
  EXPECT_FALSE(is_pinned(second));
  EXPECT_EQ(arena_of(run_head(second.first)).zone, huge());
  EXPECT_FALSE(os_.huge.empty()) << "which is advised as under dense";
  EXPECT_TRUE(os_.said.empty());
  expect_sound_zone();
}

TEST_F(HugetlbTest, AnEmptyPoolAndARefusedFillLeaveNothingMapped) {
  EXPECT_FALSE(is_pinned(run(100)));
  os_.pool_free = 64_MiB;
  os_.refuse_pool_fill = true;  // a limit of the hugetlb controller
  EXPECT_FALSE(is_pinned(run(8192)));
  EXPECT_TRUE(os_.pool_mappings.empty());
  EXPECT_EQ(os_.pool_free, 64_MiB);
  EXPECT_FALSE(uses_pool());
}

TEST_F(HugetlbTest, ItsPagesAreNeverPurgedNorTakenForZero) {
  os_.pool_free = 64_MiB;
  const Run first = run(kUnit + 100);
  ASSERT_TRUE(is_pinned(first));
  EXPECT_FALSE(first.zeroed) << "what is free was perhaps used before";
  ASSERT_TRUE(free_run(first.first));
  Page* const slab = alloc_slab_pages(local_node(), Order(3), Fallback::kZonelist);
  ASSERT_TRUE(arena_of(slab).pinned);
  free_slab_pages(slab, Order(3).pages());
  const std::size_t before = os_.purges.size();
  reclaim_all();
  EXPECT_EQ(os_.purges.size(), before);
  EXPECT_EQ(counts(local_node().id).dirty_free.raw, 0u);
  EXPECT_FALSE(huge()->has_purgeable()) << "kswapd need not come for it";
  EXPECT_FALSE(run(kUnit + 100).zeroed);
  expect_sound_zone();
}

TEST_F(HugetlbTest, ARunGrowsIntoAnyOfItsPages) {
  os_.pool_free = 64_MiB;
  const Run first = run(kUnit + 100);
  ASSERT_TRUE(is_pinned(first));
  EXPECT_TRUE(resize_run(first.first, PageCount(900)));
  EXPECT_TRUE(resize_run(first.first, PageCount(8)));
  expect_sound_zone();
}

TEST_F(HugetlbTest, AForkGivesUpWhatIsSetAsideAndTheChildLeavesThePool) {
  os_.pool_free = 64_MiB;
  ASSERT_TRUE(is_pinned(run(100)));
  const std::size_t bytes = pool_use.bytes;
  unmap_spare_pages();
  EXPECT_EQ(mapped(), bytes);
  EXPECT_TRUE(os_.said.empty());
  leave_pool_in_child();
  EXPECT_TRUE(os_.pool_mappings.empty());
  EXPECT_FALSE(uses_pool());
  EXPECT_EQ(from_pool(), 0u);
  expect_sound_zone();
}

TEST_F(HugetlbTest, PagesAreSetAsideAgainBeforeMoreAreTaken) {
  os_.pool_free = 64_MiB;
  ASSERT_TRUE(is_pinned(run(100)));
  const std::size_t bytes = pool_use.bytes;
  unmap_spare_pages();
  EXPECT_EQ(take_from_pool(2_MiB, -1), nullptr) << "the child may need what was given up";
  EXPECT_EQ(mapped(), bytes);
  os_.now_ms += 10000;
  void* const other = os::map_from_pool(os_.pool_free, os::kHugeBytes);  // of another process
  EXPECT_EQ(take_from_pool(2_MiB, -1), nullptr);
  os::unmap(other, os_.pool_mappings[reinterpret_cast<std::uintptr_t>(other)]);
  void* const more = take_from_pool(2_MiB, -1);
  ASSERT_NE(more, nullptr);
  EXPECT_EQ(mapped(), 2 * pool_use.bytes);
  EXPECT_TRUE(return_to_pool(more));
  EXPECT_FALSE(return_to_pool(more));
  EXPECT_EQ(mapped(), 2 * pool_use.bytes);
}

TEST_F(HugetlbTest, AForkBesideAnEmptyPoolIsToldOnce) {
  os_.pool_free = 64_MiB;
  ASSERT_TRUE(is_pinned(run(100)));
  unmap_spare_pages();
  os_.pool_free = 0;
  os_.now_ms += 10000;
  unmap_spare_pages();
  os_.now_ms += 10000;
  unmap_spare_pages();
  ASSERT_EQ(os_.said.size(), 1u);
  EXPECT_NE(os_.said[0].find("fork: the pool of huge pages"), std::string::npos);
  os_.refuse_leaving = true;
  leave_pool_in_child();
  EXPECT_TRUE(uses_pool());
}

}  // namespace
}  // namespace ashlar::page
