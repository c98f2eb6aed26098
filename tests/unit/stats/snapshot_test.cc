// stats: tests the figures that are derived from the layers' counts. The counts are taken one after another and need
// not agree.
#include <gtest/gtest.h>

#include "stats/stats.h"

namespace ashlar::stats {
namespace {

constexpr unsigned kClass = 5;

// Made-up counts of one class: `out` objects of 100 bytes, in slabs of 3 pages.
Snapshot made_up(std::uint64_t out, std::uint64_t in_depot, std::uint64_t in_magazines) {
  Snapshot s;
  s.caches[kClass].object_size = 100;
  s.caches[kClass].out = out;
  s.caches[kClass].capacity = out + 10;
  s.caches[kClass].pages = 3;
  s.caches[kClass].depot_objects = in_depot;
  s.heaps.cached[kClass] = in_magazines;
  return s;
}

TEST(Snapshot, WhatIsOutIsLiveOrInADepotOrInAMagazine) {
  const Snapshot s = made_up(100, 20, 30);
  EXPECT_EQ(s.depot_objects(kClass), 20u);
  EXPECT_EQ(s.magazine_objects(kClass), 30u);
  EXPECT_EQ(s.cached_objects(kClass), 50u);
  EXPECT_EQ(s.live_objects(kClass), 50u);
  EXPECT_EQ(s.slab_live(), 5000u);
  EXPECT_EQ(s.slab_cached(), 5000u);
  EXPECT_EQ(s.slab_pages(), 3 * kPageBytes);
}

TEST(Snapshot, CountsThatDoNotFitAreCutToWhatIsOut) {
  const Snapshot depot = made_up(100, 120, 30);
  EXPECT_EQ(depot.depot_objects(kClass), 100u);
  EXPECT_EQ(depot.magazine_objects(kClass), 0u);
  EXPECT_EQ(depot.live_objects(kClass), 0u);
  const Snapshot magazines = made_up(100, 20, 90);
  EXPECT_EQ(magazines.depot_objects(kClass), 20u);
  EXPECT_EQ(magazines.magazine_objects(kClass), 80u);
  EXPECT_EQ(magazines.live_objects(kClass), 0u);
}

TEST(Snapshot, NamedCachesAndSlobAreAddedToTheClasses) {
  Snapshot s = made_up(100, 20, 30);
  s.named.live = 7;
  s.named.magazines = 11;
  s.named.depot = 13;
  s.named.slab_bytes = kPageBytes;
  s.slob.live_bytes = 17;
  s.slob.pages = PageCount(4);
  EXPECT_EQ(s.slab_live(), 5000u + 7 + 17);
  EXPECT_EQ(s.slab_cached(), 5000u + 11 + 13);
  EXPECT_EQ(s.slab_pages(), (3 + 1 + 4) * kPageBytes);
}

TEST(Snapshot, LivePagesOutsideOfSlabsAreRuns) {
  Snapshot s = made_up(100, 0, 0);
  s.zone.present = PageCount(100);
  s.zone.free = PageCount(60);
  s.zone.dirty_free = PageCount(25);
  EXPECT_EQ(s.run_pages(), (100 - 60 - 3) * kPageBytes);
  EXPECT_EQ(s.live(), 10000 + s.run_pages());
  EXPECT_EQ(s.held(), (100 - 60 + 25) * kPageBytes);
  s.zone.free = PageCount(99);  // a slab came between the two counts
  EXPECT_EQ(s.run_pages(), 0u);
}

TEST(Snapshot, OfAQuietProcessAddsUp) {
  void* blocks[50];
  for (void*& block : blocks) block = ashlar_malloc(1000);
  const Snapshot before = snapshot();
  void* more[40];
  for (void*& block : more) block = ashlar_malloc(1000);
  const Snapshot after = snapshot();
  const unsigned c = slab::class_for(1000).raw;
  EXPECT_EQ(after.live_objects(c) - before.live_objects(c), 40u);
  EXPECT_EQ(after.heaps.heaps, 1u);
  for (void* const block : blocks) ashlar_free(block);
  for (void* const block : more) ashlar_free(block);
  const Snapshot freed = snapshot();
  EXPECT_EQ(before.live_objects(c) - freed.live_objects(c), 50u);
}

TEST(NamedCounts, AreThoseOfTheCache) {
  slab::Made made{};
  slab::Wanted wanted;
  wanted.name = "counted";
  wanted.size = 200;
  slab::Handle* const handle = slab::create(wanted, made);
  ASSERT_NE(handle, nullptr);
  const slab::Magazine taken = slab::take(*handle->named, 3, NodeId(0));
  const NamedCounts n = counts_of(*handle->named);
  EXPECT_EQ(n.live, taken.count);
  EXPECT_EQ(n.object_size, 208u);
  EXPECT_EQ(n.slabs, 1u);
  EXPECT_EQ(n.magazines + n.depot, 0u);
  EXPECT_EQ((n.live + n.slab_free) * n.object_size <= n.slab_bytes, true);
}

}  // namespace
}  // namespace ashlar::stats
