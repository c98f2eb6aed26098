// slab: tests where objects lie, that they are carved only when needed, and when slabs are allocated and freed.
#include <algorithm>
#include <set>

#include "slab/slab_fixture.h"

namespace ashlar::slab {
namespace {

class ObjectsTest : public SlabTest {};

TEST_F(ObjectsTest, ObjectsOfEveryClassAreAlignedApartAndWithinTheirSlab) {
  for (unsigned i = 1; i < kClasses; ++i) {
    const SizeClass c(i);
    const auto objects = take_objects(c, 40);
    std::set<std::uintptr_t> starts;
    for (const Object* const object : objects) {
      const auto address = reinterpret_cast<std::uintptr_t>(object);
      const std::uintptr_t base = slab_address(object);
      ASSERT_EQ(page::class_of(object), c);
      ASSERT_EQ((address - base) % size_of(c), 0u) << "size " << size_of(c);
      ASSERT_LE(address + size_of(c), base + page::slab_of(object)->order.bytes());
      starts.insert(address);
    }
    ASSERT_EQ(starts.size(), 40u);
    give_objects(c, objects);
    EXPECT_EQ(counts(c).out, 0u);
  }
}

TEST_F(ObjectsTest, OneSmallObjectTouchesOnePageOfItsSlab) {
  for (const std::size_t size : {16, 48, 320, 1024, 2048}) {
    const SizeClass c = class_for(size);
    const auto objects = objects_of(take(c, 256));
    ASSERT_FALSE(objects.empty());
    const std::uintptr_t base = slab_address(objects[0]);
    const std::size_t bytes = page::slab_of(objects[0])->order.bytes();
    EXPECT_TRUE(fake_page::is_fresh(reinterpret_cast<void*>(base + kPageBytes), bytes - kPageBytes)) << size;
    EXPECT_LE(objects.size(), kPageBytes / size_of(c) + 1);
  }
}

// The lock is not held meanwhile: of two slabs that were taken for the want of one, the later goes back.
TEST_F(ObjectsTest, WhatAnotherThreadTakesWhileASlabIsMadeComesFromAnotherAndBothStayWhole) {
  static std::vector<Object*> of_other;
  const SizeClass c = class_for(96);
  pages_.during_take = [] { of_other = take_objects(class_for(96), 5); };
  const auto own = take_objects(c, 5);
  EXPECT_EQ(own.size(), 5u);
  EXPECT_EQ(of_other.size(), 5u);
  EXPECT_EQ(cache_of(c).slabs, 1u);
  EXPECT_EQ(pages_.live_blocks, 1u);
  EXPECT_EQ(pages_.freed.size(), 1u);
  EXPECT_EQ(pages_.freed.front().touched, 0u);
  EXPECT_EQ(counts(c).out, 10u);
  give_objects(c, own);
  give_objects(c, of_other);
  EXPECT_EQ(pages_.errors, std::vector<std::string>{});
}

// The other thread frees while this one asks in vain for pages.
TEST_F(ObjectsTest, WhatComesBackWhileThereAreNoPagesForASlabIsTaken) {
  static std::vector<Object*> held;
  const SizeClass c = class_for(8192);
  do held.push_back(take_objects(c, 1).front());
  while (cache_of(c).current != nullptr);
  pages_.block_budget = 0;
  pages_.during_take = [] { give_objects(class_for(8192), held); };
  const auto own = take_objects(c, 1);
  EXPECT_EQ(own.size(), 1u);
  give_objects(c, own);
}

TEST_F(ObjectsTest, CarvingGoesUpwardsAPageAtATimeAndTouchesNothingAhead) {
  const SizeClass c = class_for(640);
  cache_of(c).slabs = 1000;  // as if there were many: a large slab
  std::size_t most = 0;
  for (int i = 0; i < 12; ++i) {
    const auto objects = objects_of(take(c, 256));
    const std::uintptr_t base = slab_address(objects[0]);
    for (const Object* const object : objects) {
      const std::size_t end = reinterpret_cast<std::uintptr_t>(object) - base + size_of(c);
      most = end > most ? end : most;
    }
    const std::size_t bytes = page::slab_of(objects[0])->order.bytes();
    const std::size_t touched = round_up(most, kPageBytes);
    if (touched >= bytes) break;
    ASSERT_TRUE(fake_page::is_fresh(reinterpret_cast<void*>(base + touched), bytes - touched));
  }
  EXPECT_GT(most, kPageBytes);
}

TEST_F(ObjectsTest, OfLargeObjectsOnlyAsManyAreCarvedAsAreWanted) {
  const SizeClass c = class_for(8192);
  const auto one = objects_of(take(c, 1));
  ASSERT_EQ(one.size(), 1u);
  const auto two = objects_of(take(c, 2));
  EXPECT_LE(two.size(), 2u);
}

TEST_F(ObjectsTest, AFreshMagazineIsInAddressOrder) {
  const auto objects = objects_of(take(class_for(64), 64));
  EXPECT_TRUE(std::is_sorted(objects.begin(), objects.end()));
}

TEST_F(ObjectsTest, AnEmptySlabGoesBackAndOneIsKept) {
  const SizeClass c = class_for(4096);
  const auto objects = take_objects(c, 100);
  const std::size_t most = pages_.live_blocks;
  ASSERT_GT(most, 4u);
  give_objects(c, objects);
  EXPECT_EQ(counts(c).out, 0u);
  EXPECT_LE(pages_.live_blocks, 2u) << "the spare one and the one that is being carved";
  EXPECT_GE(pages_.live_blocks, 1u);
  EXPECT_EQ(counts(c).slabs, pages_.live_blocks);
  shrink();
  EXPECT_EQ(pages_.live_blocks, 0u);
  EXPECT_EQ(counts(c).slabs, 0u);
  EXPECT_EQ(counts(c).pages, 0u);
  EXPECT_EQ(counts(c).capacity, 0u);
}

TEST_F(ObjectsTest, AnObjectThatGoesToAndFroCostsNoPages) {
  const SizeClass c = class_for(1024);
  take_objects(c, 8);  // whatever is full by then
  auto object = take_objects(c, 1);
  give_objects(c, object);
  object = take_objects(c, 1);
  const std::size_t before = pages_.taken.size();
  for (int i = 0; i < 100; ++i) {
    give_objects(c, object);
    object = take_objects(c, 1);
  }
  EXPECT_EQ(pages_.taken.size(), before);
  EXPECT_TRUE(pages_.freed.empty());
}

TEST_F(ObjectsTest, ASlabThatGoesBackSaysHowMuchOfItWasTouched) {
  const SizeClass c = class_for(512);
  cache_of(c).slabs = 1000;  // as if there were many: a large slab
  const auto objects = objects_of(take(c, 1));
  cache_of(c).slabs = 1;
  ASSERT_GT(page::slab_of(objects[0])->order, Order(0));
  give_objects(c, objects);
  shrink();
  ASSERT_EQ(pages_.freed.size(), 1u);
  EXPECT_EQ(pages_.freed[0].touched, 1u) << "the fake sees to it that the others are untouched indeed";
}

TEST_F(ObjectsTest, FirstSlabsAreSmallAndLaterOnesLarger) {
  const SizeClass c = class_for(64);
  take_objects(c, 64 * 64 * 4);
  ASSERT_GT(pages_.taken.size(), 4u);
  EXPECT_EQ(pages_.taken.front(), info_of(c).min_order);
  EXPECT_EQ(pages_.taken.back(), info_of(c).max_order);
  EXPECT_TRUE(std::is_sorted(pages_.taken.begin(), pages_.taken.end()));
}

TEST_F(ObjectsTest, WhereNoLargeSlabIsToBeHadASmallOneDoes) {
  const SizeClass c = class_for(64);
  take_objects(c, 64 * 64 * 4);
  pages_.largest = info_of(c).min_order;
  pages_.taken.clear();
  EXPECT_EQ(take_objects(c, 2000).size(), 2000u);
  for (const Order order : pages_.taken) EXPECT_EQ(order, info_of(c).min_order);
}

TEST_F(ObjectsTest, WithoutMemoryAMagazineIsEmptyAndNothingIsCountedUntilThereIsSome) {
  const SizeClass c = class_for(64);
  pages_.block_budget = 0;
  EXPECT_FALSE(take(c, 10));
  EXPECT_EQ(counts(c).out, 0u);
  EXPECT_EQ(counts(c).slabs, 0u);
  pages_.block_budget = 1;
  const auto objects = take_objects(c, 64);
  EXPECT_FALSE(take(c, 10)) << "the page is full";
  give_objects(c, {objects[7]});
  const auto again = objects_of(take(c, 10));
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0], objects[7]);
}

TEST_F(ObjectsTest, CountsAreExact) {
  const SizeClass c = class_for(256);
  const auto objects = take_objects(c, 100);
  CacheCounts n = counts(c);
  EXPECT_EQ(n.object_size, 256u);
  EXPECT_EQ(n.out, 100u);
  EXPECT_GE(n.capacity, 100u);
  EXPECT_EQ(n.slabs, pages_.live_blocks);
  EXPECT_EQ(n.capacity, n.pages * kPageBytes / 256);
  give_objects(c, objects);
  n = counts(c);
  EXPECT_EQ(n.out, 0u);
  EXPECT_EQ(n.slabs, pages_.live_blocks);
}

TEST_F(ObjectsTest, TheObjectAroundAnAddressIsFoundFromEachOfItsBytes) {
  const SizeClass c = class_for(96);
  for (const Object* const object : take_objects(c, 42)) {
    for (std::size_t offset = 0; offset < 96; ++offset) {
      ASSERT_EQ(object_around(reinterpret_cast<const char*>(object) + offset), object);
    }
  }
}

TEST_F(ObjectsTest, LocksForForkAreAllTakenAndReleased) {
  const auto objects = take_objects(class_for(64), 3);
  lock_for_fork();
  unlock_in_parent();
  lock_for_fork();
  reset_in_child();
  give_objects(class_for(64), objects);
  return_to_depot(class_for(64), take(class_for(64), 64), "free()");
  EXPECT_EQ(counts(class_for(64)).out, counts(class_for(64)).depot_objects);
}

}  // namespace
}  // namespace ashlar::slab
