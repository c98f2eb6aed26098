// Tests named caches in the reports: mallinfo2, malloc_info, the statistics and the exit reports.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "ashlar/cache.h"
#include "line.h"

namespace {

constexpr size_t kObjects = 1000, kSize = 3000, kRoom = 3008;

class CacheReports : public testing::Test {
 protected:
  CacheReports() : cache_(ashlar_cache_create("reported", kSize, 0, ASHLAR_CACHE_NO_MERGE, nullptr)) {}
  ~CacheReports() override {
    drop();
    EXPECT_EQ(ashlar_cache_destroy(cache_), 0);
  }
  void fill() {
    objects_.resize(kObjects);
    ASSERT_EQ(ashlar_cache_alloc_bulk(cache_, kObjects, objects_.data()), kObjects);
  }
  void drop() {
    ashlar_cache_free_bulk(cache_, objects_.size(), objects_.data());
    objects_.clear();
  }

  ashlar_cache* cache_;
  std::vector<void*> objects_;
};

TEST_F(CacheReports, Mallinfo2CountsTheObjects) {
  const size_t before = ashlar_mallinfo2().uordblks;
  fill();
  const size_t held = ashlar_mallinfo2().uordblks;
  EXPECT_NEAR(static_cast<double>(held - before), double{kObjects * kRoom}, 100000);
  drop();
  EXPECT_NEAR(static_cast<double>(ashlar_mallinfo2().uordblks), static_cast<double>(before), 100000);
}

TEST_F(CacheReports, TheSnapshotCountsTheObjects) {
  ashlar_stats before, held;
  ASSERT_EQ(ashlar_stats_snapshot(&before, sizeof before), 0);
  fill();
  ASSERT_EQ(ashlar_stats_snapshot(&held, sizeof held), 0);
  EXPECT_GE(held.live_slab, before.live_slab + kObjects * kRoom);
  EXPECT_LE(held.live_runs, before.live_runs + 100000) << "slabs of named caches are no runs";
}

TEST_F(CacheReports, MallocInfoAndMallocStatsNameTheCache) {
  fill();
  const std::string report = ashlar_test::lines_of([] { ashlar_malloc_stats(); });
  EXPECT_NE(report.find("named       3008      1000"), std::string::npos) << report;
  EXPECT_NE(report.find("  reported\n"), std::string::npos) << report;
  drop();
  char* text = nullptr;
  size_t bytes = 0;
  std::FILE* const out = open_memstream(&text, &bytes);
  EXPECT_EQ(ashlar_malloc_info(0, out), 0);
  std::fclose(out);
  EXPECT_NE(std::string(text, bytes).find("<size from=\"3008\" to=\"3008\""), std::string::npos) << text;
  std::free(text);
}

std::string malloc_info() {
  char* text = nullptr;
  size_t bytes = 0;
  std::FILE* const out = open_memstream(&text, &bytes);
  EXPECT_EQ(ashlar_malloc_info(0, out), 0);
  std::fclose(out);
  const std::string info(text, bytes);
  std::free(text);
  return info;
}

// Names are any bytes but control characters, spaces and commas.
TEST(CacheNames, MallocInfoIsXmlWhateverTheyAre) {
  ashlar_cache* const odd = ashlar_cache_create("<&>\"caf\u00e9\xff", 48, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  void* const object = ashlar_cache_alloc(odd);
  const std::string info = malloc_info();
  const std::string row = "<cache name=\"&lt;&amp;&gt;&quot;caf\u00e9\ufffd\" size=\"48\" live=\"1\"";
  EXPECT_NE(info.find(row), std::string::npos) << info;
  ashlar_cache_free(odd, object);
  EXPECT_EQ(ashlar_cache_destroy(odd), 0);
}

TEST(CacheSnapshot, CountsTheObjectsOfACache) {
  ashlar_cache* const cache = ashlar_cache_create("figures", 3000, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  ashlar_cache_stats stats;
  ASSERT_EQ(ashlar_cache_snapshot(cache, &stats), 0);
  EXPECT_EQ(stats.live, 0u);
  std::vector<void*> objects(100);
  ASSERT_EQ(ashlar_cache_alloc_bulk(cache, objects.size(), objects.data()), objects.size());
  ASSERT_EQ(ashlar_cache_snapshot(cache, &stats), 0);
  EXPECT_EQ(stats.live, 100u);
  EXPECT_GE(stats.object_size, 3000u);
  EXPECT_GE(stats.slabs, 1u);
  const uint64_t all = stats.live + stats.magazines + stats.depot + stats.slab_free;
  EXPECT_LE(all * stats.object_size, stats.slab_bytes) << all << " objects";
  ashlar_cache_free_bulk(cache, 90, objects.data());
  ASSERT_EQ(ashlar_cache_snapshot(cache, &stats), 0);
  EXPECT_EQ(stats.live, 10u);
  ashlar_cache_free_bulk(cache, 10, objects.data() + 90);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST(CacheSnapshot, RefusesWhatIsNoCacheAndNoPlace) {
  ashlar_cache_stats stats;
  ashlar_cache* const cache = ashlar_cache_create("refused", 64, 0, 0, nullptr);
  errno = 0;
  EXPECT_TRUE(ashlar_test::is_one_line_with(
      ashlar_test::lines_of([&] { EXPECT_EQ(ashlar_cache_snapshot(cache, nullptr), -1); }),
      "the pointer to the figures must not be NULL"));
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
  EXPECT_TRUE(
      ashlar_test::is_one_line_with(ashlar_test::lines_of([&] { EXPECT_EQ(ashlar_cache_snapshot(cache, &stats), -1); }),
                                    "is not a cache, or was destroyed"));
}

TEST(CacheSnapshot, TheListHasAllCaches) {
  const size_t before = ashlar_cache_list(nullptr, 0);
  ashlar_cache* const one = ashlar_cache_create("listed_1", 64, 0, 0, nullptr);
  ashlar_cache* const two = ashlar_cache_create("listed_2", 64, 0, 0, nullptr);
  ashlar_cache* caches[2] = {};
  EXPECT_EQ(ashlar_cache_list(caches, 1), before + 2);
  EXPECT_EQ(caches[0], two);
  EXPECT_EQ(caches[1], nullptr) << "no more than there is room for";
  EXPECT_EQ(ashlar_cache_list(caches, 2), before + 2);
  EXPECT_EQ(caches[1], one);
  EXPECT_EQ(ashlar_cache_destroy(one), 0);
  EXPECT_EQ(ashlar_cache_destroy(two), 0);
  EXPECT_EQ(ashlar_cache_list(nullptr, 0), before);
}

}  // namespace
