// Named caches in the reports: mallinfo2, malloc_info, the statistics and the exit reports.
#include <gtest/gtest.h>
#include <malloc.h>

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

}  // namespace
