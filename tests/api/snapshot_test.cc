// Tests ashlar_stats_snapshot: its figures are exact for blocks that the test allocated itself, and agree with
// mallinfo2. Only the test uses the heap in this program.
#include <errno.h>
#include <gtest/gtest.h>
#include <string.h>

#include <vector>

#include "ashlar/ashlar.h"
#include "ashlar/cache.h"

namespace ashlar_test {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

ashlar_stats snapshot() {
  ashlar_stats stats;
  EXPECT_EQ(ashlar_stats_snapshot(&stats, sizeof stats), 0);
  return stats;
}

class Blocks {
 public:
  Blocks(size_t count, size_t size) {
    for (size_t i = 0; i < count; ++i) {
      blocks_.push_back(ashlar_malloc(size));
      usable_ += ashlar_malloc_usable_size(blocks_.back());
    }
  }
  void release() {
    for (void* p : blocks_) ashlar_free(p);
    blocks_.clear();
  }
  ~Blocks() { release(); }
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;
  [[nodiscard]] size_t usable() const { return usable_; }

 private:
  std::vector<void*> blocks_;
  size_t usable_ = 0;
};

TEST(StatsSnapshot, SaysItsVersionAndSize) {
  const ashlar_stats stats = snapshot();
  EXPECT_EQ(stats.version, static_cast<uint32_t>(ASHLAR_STATS_VERSION));
  EXPECT_EQ(stats.size, sizeof stats);
  EXPECT_GT(stats.cache_count, 0u);
  EXPECT_LE(stats.cache_count, static_cast<uint32_t>(ASHLAR_STATS_CACHES));
  for (uint32_t i = 1; i < stats.cache_count; ++i)
    EXPECT_LT(stats.caches[i - 1].object_size, stats.caches[i].object_size);
}

TEST(StatsSnapshot, OfKnownBlocksIsExact) {
  for (size_t size : {size_t{1}, size_t{300}, size_t{5000}, size_t{32768}}) {
    const ashlar_stats before = snapshot();
    const Blocks blocks(1000, size);
    const ashlar_stats during = snapshot();
    EXPECT_EQ(during.live_slab - before.live_slab, blocks.usable()) << size;
    EXPECT_EQ(during.live_runs, before.live_runs) << size;
  }
  const ashlar_stats before = snapshot();
  const Blocks runs(7, 100000), mappings(3, 40 * kMiB);
  const ashlar_stats during = snapshot();
  EXPECT_EQ(during.live_slab, before.live_slab);
  EXPECT_EQ(during.live_runs - before.live_runs, runs.usable());
  EXPECT_EQ(during.live_vmalloc - before.live_vmalloc, mappings.usable());
  EXPECT_EQ(during.vmalloc_blocks - before.vmalloc_blocks, 3u);
}

TEST(StatsSnapshot, CountsTheObjectsOfACache) {
  const Blocks warm(1000, 300);  // past the coarse classes of a tiny process
  const ashlar_stats before = snapshot();
  const Blocks blocks(500, 300);
  const ashlar_stats during = snapshot();
  uint32_t found = 0;
  for (uint32_t i = 0; i < during.cache_count; ++i) {
    const uint64_t more = during.caches[i].live - before.caches[i].live;
    if (more == 0) continue;
    ++found;
    EXPECT_EQ(more, 500u);
    EXPECT_EQ(more * during.caches[i].object_size, blocks.usable());
  }
  EXPECT_EQ(found, 1u);
}

TEST(StatsSnapshot, FreedObjectsAreFreeSomewhere) {
  const Blocks kept(5000, 300);
  Blocks freed(10, 300);
  const ashlar_stats before = snapshot();
  freed.release();
  const ashlar_stats after = snapshot();
  EXPECT_EQ(before.live_slab - after.live_slab, freed.usable());
  const uint64_t free_before = before.magazines + before.depot + before.slab_free;
  EXPECT_EQ(after.magazines + after.depot + after.slab_free - free_before, freed.usable());
}

TEST(StatsSnapshot, CountsNamedCachesAsSlabs) {
  ashlar_cache* const cache = ashlar_cache_create("snapshot", 200, 0, 0, nullptr);
  ASSERT_NE(cache, nullptr);
  const ashlar_stats before = snapshot();
  void* objects[500];
  ASSERT_EQ(ashlar_cache_alloc_bulk(cache, 500, objects), 500u);
  const ashlar_stats during = snapshot();
  EXPECT_EQ((during.live_slab - before.live_slab) % 500, 0u);
  EXPECT_GE(during.live_slab - before.live_slab, 500u * 200);
  EXPECT_LE(during.live_slab - before.live_slab, 500u * 256);
  EXPECT_EQ(during.live_runs, before.live_runs);
  ashlar_cache_free_bulk(cache, 500, objects);
  const ashlar_stats after = snapshot();
  EXPECT_EQ(after.live_slab, before.live_slab);
  EXPECT_EQ(after.live_runs, before.live_runs);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST(StatsSnapshot, PartsAddUp) {
  const Blocks small(2000, 40), medium(100, 9000);
  const ashlar_stats stats = snapshot();
  uint64_t live = 0, magazines = 0, depot = 0, slab_bytes = 0;
  for (uint32_t i = 0; i < stats.cache_count; ++i) {
    const ashlar_cache_stats& cache = stats.caches[i];
    live += cache.live * cache.object_size;
    magazines += cache.magazines * cache.object_size;
    depot += cache.depot * cache.object_size;
    slab_bytes += cache.slab_bytes;
    EXPECT_LE((cache.live + cache.magazines + cache.depot + cache.slab_free) * cache.object_size, cache.slab_bytes);
    EXPECT_EQ(cache.slabs == 0, cache.slab_bytes == 0);
  }
  EXPECT_EQ(stats.live_slab, live);
  EXPECT_EQ(stats.magazines, magazines);
  EXPECT_EQ(stats.depot, depot);
  EXPECT_EQ(stats.live_slab + stats.magazines + stats.depot + stats.slab_free, slab_bytes);
  EXPECT_LE(slab_bytes + stats.live_runs, stats.peak);
}

TEST(StatsSnapshot, AgreesWithMallinfo2) {
  Blocks freed(5000, 100);
  const Blocks kept(5000, 200), runs(3, 200000), mappings(2, 33 * kMiB);
  freed.release();
  const ashlar_stats stats = snapshot();
  const struct mallinfo2 info = ashlar_mallinfo2();
  EXPECT_EQ(info.uordblks, stats.live_slab + stats.live_runs);
  EXPECT_EQ(info.fsmblks, stats.magazines + stats.depot);
  EXPECT_EQ(info.hblks, stats.vmalloc_blocks);
  EXPECT_EQ(info.hblkhd, stats.live_vmalloc);
  EXPECT_EQ(info.keepcost, stats.dirty_free);
  EXPECT_EQ(info.arena,
            stats.live_slab + stats.live_runs + stats.magazines + stats.depot + stats.slab_free + stats.dirty_free);
}

TEST(StatsSnapshot, FillsNoMoreThanTheCallerHas) {
  struct {
    ashlar_stats stats;
    char more[64];
  } wide;
  memset(&wide, 0x5a, sizeof wide);
  const size_t few = offsetof(ashlar_stats, magazines);
  EXPECT_EQ(ashlar_stats_snapshot(&wide.stats, few), 0);
  EXPECT_EQ(wide.stats.size, few);
  EXPECT_EQ(wide.stats.magazines, 0x5a5a5a5a5a5a5a5au);

  EXPECT_EQ(ashlar_stats_snapshot(&wide.stats, sizeof wide), 0);
  EXPECT_EQ(wide.stats.size, sizeof wide.stats);
  for (const char byte : wide.more) EXPECT_EQ(byte, 0x5a);
}

TEST(StatsSnapshot, RefusesWhatItCannotFill) {
  ashlar_stats stats;
  memset(&stats, 0x5a, sizeof stats);
  errno = 7;
  EXPECT_EQ(ashlar_stats_snapshot(nullptr, sizeof stats), EINVAL);
  EXPECT_EQ(ashlar_stats_snapshot(&stats, 0), EINVAL);
  EXPECT_EQ(ashlar_stats_snapshot(&stats, 7), EINVAL);
  EXPECT_EQ(stats.version, 0x5a5a5a5au);
  EXPECT_EQ(ashlar_stats_snapshot(&stats, 8), 0);
  EXPECT_EQ(errno, 7);
}

}  // namespace
}  // namespace ashlar_test
