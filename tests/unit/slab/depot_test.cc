// slab: tests the depot: whole magazines change hands within limits, and magazines that nobody needs are freed.
#include "slab/slab_fixture.h"

#include <algorithm>
#include <random>

namespace ashlar::slab {
namespace {

class DepotTest : public SlabTest {
 protected:
  static Magazine full(SizeClass c) { return magazine_of(take_objects(c, info_of(c).magazine)); }
  static std::vector<Magazine> fill(SizeClass c, std::size_t n) {
    std::vector<Magazine> magazines;
    for (std::size_t i = 0; i < n; ++i) magazines.push_back(full(c));
    // past the processors' stocks
    for (const Magazine magazine : magazines) return_to_depot(cache_of(c), info_of(c), magazine, "free()");
    return magazines;
  }
};

TEST_F(DepotTest, AWholeMagazineChangesHandsUntouchedTheNewestFirst) {
  const SizeClass c = class_for(256);
  const auto magazines = fill(c, 3);
  EXPECT_EQ(counts(c).depot_magazines, 3u);
  EXPECT_EQ(counts(c).depot_objects, 3u * info_of(c).magazine);
  EXPECT_EQ(counts(c).out, 3u * info_of(c).magazine) << "the slabs do not see them";
  for (std::size_t i = 3; i-- > 0;) {
    const Magazine magazine = take(c, 1);
    EXPECT_EQ(magazine.first, magazines[i].first);
    EXPECT_EQ(magazine.count, magazines[i].count);
  }
  EXPECT_EQ(counts(c).depot_magazines, 0u);
  EXPECT_EQ(counts(c).depot_objects, 0u);
}

TEST_F(DepotTest, DepotsOfDifferentClassesAreApart) {
  fill(class_for(256), 2);
  const Magazine other = take(class_for(512), 8);
  for (const Object* const object : objects_of(other)) EXPECT_EQ(page::class_of(object), class_for(512));
  EXPECT_EQ(counts(class_for(256)).depot_magazines, 2u);
}

TEST_F(DepotTest, ARemnantGoesToTheSlabs) {
  const SizeClass c = class_for(256);
  return_to_depot(c, magazine_of(take_objects(c, info_of(c).magazine / 32)), "free()");
  EXPECT_EQ(counts(c).depot_magazines, 0u);
  EXPECT_EQ(counts(c).out, 0u);
}

TEST_F(DepotTest, AnEmptyMagazineIsNothing) {
  return_to_depot(class_for(64), {}, "free()");
  EXPECT_EQ(counts(class_for(64)).depot_magazines, 0u);
}

TEST_F(DepotTest, ADepotHoldsSoManyMagazinesAndSoManyBytesAndTheRestGoesToTheSlabs) {
  for (const bool threaded : {false, true}) {
    fake_page::state().threaded = threaded;
    const DepotLimit& limit = threaded ? kThreads : kOneThread;
    for (const std::size_t size : {16, 64, 1024, 8192, 32768}) {
      const SizeClass c = class_for(size);
      const auto magazines = fill(c, limit.slots + 5);
      const CacheCounts n = counts(c);
      EXPECT_LE(n.depot_magazines, limit.slots);
      EXPECT_LE(n.depot_objects * size_of(c), limit.bytes);
      EXPECT_TRUE(n.depot_magazines == limit.slots ||
                  (n.depot_objects + info_of(c).magazine) * size_of(c) > limit.bytes)
          << "it was full: " << size;
      EXPECT_EQ(n.out, n.depot_objects) << size;
      shrink();
    }
  }
}

TEST_F(DepotTest, WhatADepotHoldsStaysWhenThreadsComeAndGo) {
  const SizeClass c = class_for(64);
  fake_page::state().threaded = true;
  const auto magazines = fill(c, 2 * kFirstSlots);  // more than its first table has room for
  fake_page::state().threaded = false;
  EXPECT_EQ(counts(c).depot_magazines, magazines.size());
  for (std::size_t i = magazines.size(); i-- > 0;) {
    const Magazine magazine = take(c, 1);
    EXPECT_EQ(magazine.first, magazines[i].first);
    EXPECT_EQ(magazine.count, magazines[i].count);
  }
}

TEST_F(DepotTest, AFullDepotTakesEveryEighthNewcomerInTheOldestsPlace) {
  const SizeClass c = class_for(16);
  const std::size_t slots = kOneThread.bytes / (info_of(c).magazine * size_of(c));
  const auto magazines = fill(c, slots + 40);
  std::size_t newcomers = 0;
  for (std::size_t i = 0; i < slots; ++i) {
    const Magazine magazine = take(c, 1);
    ASSERT_TRUE(magazine);
    for (std::size_t m = slots; m < magazines.size(); ++m) newcomers += magazine.first == magazines[m].first;
    EXPECT_NE(magazine.first, magazines.front().first) << "the oldest has gone";
    return_to_slabs(c, magazine, "free()");
  }
  EXPECT_EQ(newcomers, 5u);
}

TEST_F(DepotTest, WhereThereIsNoRoomTheHotMagazineIsTakenApartInstead) {
  const SizeClass c = class_for(256);
  for (const bool threaded : {false, true}) {
    fake_page::state().threaded = threaded;
    const Magazine older = full(c), newer = full(c);
    Magazine kept = newer;
    return_to_depot(c, older, "free()", &kept);
    EXPECT_EQ(kept.first, newer.first) << "there is room: the older one goes";
    EXPECT_EQ(take(c, 1).first, older.first);
    const auto magazines = fill(c, kThreads.bytes / (info_of(c).magazine * size_of(c)) + 1);
    kept = newer;
    while (kept.first == newer.first) return_to_depot(c, older, "free()", &kept);  // one newcomer in eight goes in
    EXPECT_EQ(kept.first, older.first);
    EXPECT_EQ(kept.count, older.count);
    return_to_slabs(c, kept, "free()");
    shrink();
    EXPECT_EQ(counts(c).out, 0u);
  }
}

TEST_F(DepotTest, AllDepotsTogetherHaveALimit) {
  fake_page::state().threaded = true;
  std::size_t bytes = 0;
  for (unsigned i = 1; i < kClasses; ++i) fill(SizeClass(i), kThreads.slots);
  for (unsigned i = 1; i < kClasses; ++i) bytes += counts(SizeClass(i)).depot_objects * size_of(SizeClass(i));
  EXPECT_LE(bytes, kAllDepotsBytes);
  EXPECT_GE(bytes, kAllDepotsBytes - 1_MiB) << "nearly full, or the limit was not met";
  shrink();
  fill(class_for(1024), 1);
  EXPECT_EQ(counts(class_for(1024)).depot_magazines, 1u) << "what left no longer counts";
}

TEST_F(DepotTest, ShrinkingEmptiesEveryDepotAndFreesEverySlab) {
  for (unsigned i = 1; i < kClasses; ++i) fill(SizeClass(i), 2);
  shrink();
  EXPECT_EQ(pages_.live_blocks, 0u);
  for (unsigned i = 1; i < kClasses; ++i) {
    EXPECT_EQ(counts(SizeClass(i)).out, 0u);
    EXPECT_EQ(counts(SizeClass(i)).depot_magazines, 0u);
  }
}

// What one step may return of a class: the last magazine may exceed it.
std::uint64_t max_step(SizeClass c) { return kStepObjects + info_of(c).magazine; }

TEST_F(DepotTest, StepsEmptyEveryDepotLittleByLittle) {
  pages_.threaded = true;
  const SizeClass c = class_for(64);
  fill(c, 30);
  for (unsigned i = 1; i < kClasses; ++i) fill(SizeClass(i), 2);
  EXPECT_FALSE(shrink_step()) << "nobody asked for it";
  EXPECT_GT(counts(c).depot_magazines, 30u);
  begin_shrink();
  unsigned steps = 0, steps_of_c = 0;
  for (bool more = true; more; ++steps) {
    const std::uint64_t before = counts(c).out;
    more = shrink_step();
    ASSERT_LE(before - counts(c).out, max_step(c));
    if (before != counts(c).out) ++steps_of_c;
  }
  EXPECT_GT(steps_of_c, 10u);
  EXPECT_GT(steps, steps_of_c + kClasses / 4);
  EXPECT_EQ(pages_.live_blocks, 0u) << "the empty slabs went as well";
  for (unsigned i = 1; i < kClasses; ++i) EXPECT_EQ(counts(SizeClass(i)).out, 0u) << i;
  EXPECT_FALSE(shrink_step());
}

TEST_F(DepotTest, LargeObjectsMakeASmallStep) {
  pages_.threaded = true;
  const SizeClass c = class_for(kMaxSmall);
  fill(c, 40);
  begin_shrink();
  const std::uint64_t before = counts(c).out;
  EXPECT_TRUE(shrink_step());
  EXPECT_LE((before - counts(c).out) * kMaxSmall, kStepBytes + info_of(c).magazine * kMaxSmall);
}

TEST_F(DepotTest, StepsBeginAnewWhereTheyAreAskedForAgain) {
  const SizeClass first = class_for(16), last = class_for(kMaxSmall);
  fill(last, 10);
  begin_shrink();
  EXPECT_TRUE(shrink_step());
  fill(first, 1);
  begin_shrink();
  while (shrink_step()) {
  }
  EXPECT_EQ(counts(first).out, 0u);
  EXPECT_EQ(counts(last).out, 0u);
}

TEST_F(DepotTest, AThreadThatReapsDoesAllThatIsLeftOfTheSteps) {
  const SizeClass c = class_for(64);
  fill(c, 30);
  reap();  // from here on what is unused is counted
  EXPECT_TRUE(take(c, 1));
  begin_shrink();
  EXPECT_TRUE(shrink_step());
  reap();
  EXPECT_EQ(counts(c).depot_magazines, 0u);
  EXPECT_FALSE(shrink_step());
}

TEST_F(DepotTest, StaleDepotsAreEmptiedByTheExchangesOfOtherSizesLittleByLittle) {
  const SizeClass stale = class_for(64), used = class_for(1024);
  fill(stale, kOneThread.bytes / (info_of(stale).magazine * size_of(stale)));
  const std::uint64_t all = counts(stale).out;
  unsigned steps = 0;
  for (unsigned i = 0; i < 600; ++i) {
    const std::uint64_t before = counts(stale).out;
    return_to_depot(cache_of(used), info_of(used), full(used), "free()");
    ASSERT_LE(before - counts(stale).out, max_step(stale));
    if (before != counts(stale).out) ++steps;
  }
  EXPECT_GE(steps, all / 2 / max_step(stale));
  EXPECT_LE(counts(stale).out * size_of(stale), 512_KiB) << "little enough not to matter";
}

TEST_F(DepotTest, WhatNobodyTookBetweenTwoReapsGoesAndTheWorkingSetStays) {
  const SizeClass c = class_for(256);
  fill(c, 10);
  reap();  // from here on it is counted
  const std::uint64_t before = counts(c).depot_magazines;
  for (int i = 0; i < 5; ++i) {
    const Magazine a = take(c, 1), b = take(c, 1), d = take(c, 1);
    for (const Magazine magazine : {a, b, d}) return_to_depot(c, magazine, "free()");
  }
  EXPECT_EQ(counts(c).depot_magazines, before);
  reap();
  EXPECT_EQ(counts(c).depot_magazines, 3u) << "three at once were needed";
  reap();
  EXPECT_EQ(counts(c).depot_magazines, 0u) << "and since then none";
  EXPECT_EQ(counts(c).out, 0u);
}

// Freed in random order, a few objects in the depot pin most slabs.
TEST_F(DepotTest, ADepotThatPinsMostlyEmptySlabsIsTakenApart) {
  const SizeClass c = class_for(432);
  std::vector<Object*> objects = take_objects(c, 20000);
  std::shuffle(objects.begin(), objects.end(), std::minstd_rand(1));
  const std::uint64_t most = counts(c).slabs;
  Filled filled = Filled::kWell;
  for (std::size_t i = 0; i < objects.size(); i += 50) {
    filled = return_to_depot(c, magazine_of({objects.data() + i, objects.data() + i + 50}), "free()");
    if (i < objects.size() / 2) {
      ASSERT_EQ(filled, Filled::kWell) << "half is live";
    }
  }
  EXPECT_NE(filled, Filled::kWell);
  EXPECT_LE(counts(c).slabs, most / 8 + 2) << "of " << most << ", with " << counts(c).depot_objects << " cached";
}

TEST_F(DepotTest, AnIdleDepotIsEmptyAfterTwoReaps) {
  for (unsigned i = 1; i < kClasses; ++i) fill(SizeClass(i), 2);
  reap();
  reap();
  for (unsigned i = 1; i < kClasses; ++i) EXPECT_EQ(counts(SizeClass(i)).depot_magazines, 0u) << i;
}

TEST_F(DepotTest, ReapingTakesTheOldestMagazines) {
  const SizeClass c = class_for(256);
  const auto magazines = fill(c, 4);
  reap();
  const Magazine newest = take(c, 1);
  return_to_depot(c, newest, "free()");
  reap();
  ASSERT_EQ(counts(c).depot_magazines, 1u);
  EXPECT_EQ(take(c, 1).first, magazines[3].first) << "the warm one stayed";
}

TEST_F(DepotTest, AProgramThatFreesForGoodMakesEverybodyShrinkAndOneThatGoesToAndFroDoesNot) {
  const SizeClass c = class_for(1024);
  pages_.live_pages = 4096;
  for (int i = 0; i < 1000; ++i) return_to_depot(c, full(c), "free()");
  EXPECT_EQ(pages_.shrink_requests, 0u) << "near its height a heap keeps what it has";
  pages_.far_below_peak = true;
  for (int i = 0; i < 1000; ++i) return_to_depot(c, full(c), "free()");
  const unsigned before = pages_.shrink_requests;
  EXPECT_GT(before, 0u) << "32 MiB came back";
  pages_.live_pages = 16;
  for (int i = 0; i < 1000; ++i) return_to_depot(c, full(c), "free()");
  EXPECT_EQ(pages_.shrink_requests, before) << "a small heap keeps what it has";
  pages_.live_pages = 4096;
  return_to_depot(c, full(c), "free()");
  pages_.shrink_requests = 0;
  for (int i = 0; i < 1000; ++i) return_to_depot(c, take(c, info_of(c).magazine), "free()");
  EXPECT_LE(pages_.shrink_requests, 1u);
}

TEST_F(DepotTest, WithoutMemoryForADepotObjectsGoToTheirSlabs) {
  pages_.metadata_refused = true;
  const SizeClass c = class_for(256);
  fill(c, 2);
  EXPECT_EQ(counts(c).depot_magazines, 0u);
  EXPECT_EQ(counts(c).out, 0u);
  pages_.metadata_refused = false;
  fill(c, 2);
  EXPECT_EQ(counts(c).depot_magazines, 2u);
}

}  // namespace
}  // namespace ashlar::slab
