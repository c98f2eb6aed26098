// stats: tests the line of JSON: it is complete, has each field, and is valid JSON for every name of a cache.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "ashlar/cache.h"
#include "stats/stats.h"

namespace ashlar::stats {
namespace {

std::string json() {
  testing::internal::CaptureStderr();
  report_json();
  return testing::internal::GetCapturedStderr();
}

std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++n;
  return n;
}

void use_cache(const char* name, std::size_t size) {
  ashlar_cache* const cache = ashlar_cache_create(name, size, 0, 0, nullptr);
  ASSERT_NE(cache, nullptr) << name;
  ASSERT_NE(ashlar_cache_alloc(cache), nullptr);
}

TEST(Json, IsOneLineWithEachFigure) {
  void* const p = ashlar_malloc(128);
  const std::string line = json();
  ashlar_free(p);
  EXPECT_EQ(line.find("{\"allocator\":\"ashlar\",\"version\":\""), 0u);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(line.substr(line.size() - 4), "}]}\n");
  for (const char* const name :
       {"format", "process", "live_slab", "live_runs", "live_vmalloc", "magazines", "depot", "slab_free", "dirty_free",
        "clean_free", "purged", "peak", "metadata", "vmalloc_blocks", "threads", "caches"}) {
    EXPECT_NE(line.find("\"" + std::string(name) + "\":"), std::string::npos) << name;
  }
  EXPECT_NE(line.find("{\"name\":\"malloc-128\",\"object_size\":128,\"live\":"), std::string::npos) << line;
}

TEST(Snapshot, TellsThePressureOfTheLastLook) {
  ashlar_stats figures;
  for (const os::Pressure now : {os::Pressure::kHigh, os::Pressure::kSome, os::Pressure::kNone}) {
    page::signals.pressure.store(now);
    fill(figures);
    EXPECT_EQ(figures.pressure, static_cast<std::uint32_t>(now));
  }
}

TEST(Json, NamesAreEscapedAndBytesThatAreNoUtf8Replaced) {
  use_cache("a\"b\\c", 1000);
  use_cache("\xc3\xa9t\xe9", 2000);
  const std::string line = json();
  EXPECT_NE(line.find("{\"name\":\"a\\\"b\\\\c\","), std::string::npos) << line;
  EXPECT_NE(line.find("{\"name\":\"\xc3\xa9t\xef\xbf\xbd\","), std::string::npos) << line;
}

// Longer than the buffer that it is put together in.
TEST(Json, OfManyCachesIsWhole) {
  constexpr std::size_t kCaches = 120;
  for (std::size_t i = 0; i < kCaches; ++i) {
    use_cache(("a-long-name-of-a-cache-" + std::to_string(100 + i)).c_str(), 1000 + 16 * i);
  }
  const std::string line = json();
  EXPECT_GT(line.size(), 8192u);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(occurrences(line, "\"name\":\"a-long-name-of-a-cache-"), kCaches);
  EXPECT_EQ(std::count(line.begin(), line.end(), '{'), std::count(line.begin(), line.end(), '}'));
  EXPECT_EQ(occurrences(line, "}{"), 0u);
}

TEST(Figures, AreThoseOfTheSnapshot) {
  void* blocks[30];
  for (void*& block : blocks) block = ashlar_malloc(500);
  ashlar_stats figures;
  fill(figures);
  const Snapshot s = snapshot();
  EXPECT_EQ(figures.version, static_cast<unsigned>(ASHLAR_STATS_VERSION));
  EXPECT_EQ(figures.size, sizeof figures);
  EXPECT_EQ(figures.live_slab, s.slab_live());
  EXPECT_EQ(figures.live_runs, s.run_pages());
  EXPECT_EQ(figures.magazines + figures.depot, s.slab_cached());
  EXPECT_EQ(figures.live_slab + figures.magazines + figures.depot + figures.slab_free, s.slab_pages());
  const ashlar_cache_stats& cache = figures.caches[slab::class_for(500).raw - 1];
  EXPECT_EQ(cache.object_size, 512u);
  EXPECT_GE(cache.live, 30u);
  for (void* const block : blocks) ashlar_free(block);
}

}  // namespace
}  // namespace ashlar::stats
