// slab: tests partial lists: the fullest slab serves first, so that the emptier ones can become empty.
#include <map>

#include "slab/slab_fixture.h"

namespace ashlar::slab {
namespace {

class ListsTest : public SlabTest {
 protected:
  // Full slabs of a class, their objects by slab. All but the last, which may be half carved.
  std::map<std::uintptr_t, std::vector<Object*>> full_slabs(SizeClass c, std::size_t n) {
    std::map<std::uintptr_t, std::vector<Object*>> slabs;
    std::vector<std::uintptr_t> sequence;
    while (pages_.taken.size() <= n) {
      for (Object* const object : take_objects(c, 1)) slabs[slab_address(object)].push_back(object);
    }
    std::erase_if(slabs,
                  [](const auto& slab) { return slab.second.size() < page::slab_of(slab.second[0])->slab.capacity; });
    return slabs;
  }

  static void free_some(SizeClass c, std::vector<Object*>& objects, std::size_t n) {
    const std::vector<Object*> some(objects.end() - static_cast<long>(n), objects.end());
    objects.resize(objects.size() - n);
    give_objects(c, some);
  }
};

TEST_F(ListsTest, TheFullestSlabServesFirstWhateverTheOrderOfTheFrees) {
  const SizeClass c = class_for(64);
  for (const bool upwards : {true, false}) {
    auto slabs = full_slabs(c, pages_.taken.size() + 3);
    ASSERT_GE(slabs.size(), 3u);
    std::vector<std::vector<Object*>*> by_age;
    for (auto& [address, objects] : slabs) by_age.push_back(&objects);
    by_age.resize(3);
    std::map<std::uintptr_t, std::size_t> expected_free;
    for (std::size_t i = 0; i < 3; ++i) {
      const std::size_t capacity = by_age[i]->size();
      const std::size_t n = capacity * (upwards ? 3 * i + 1 : 7 - 3 * i) / 8;
      expected_free[slab_address(by_age[i]->front())] = n;
      free_some(c, *by_age[i], n);
    }
    // an object at a time: always from the slab with the fewest free ones
    std::size_t total = 0;
    for (const auto& [address, n] : expected_free) total += n;
    std::size_t last_free = 0;
    for (std::size_t i = 0; i < total; ++i) {
      const std::uintptr_t slab = slab_address(take_objects(c, 1)[0]);
      ASSERT_EQ(expected_free.count(slab), 1u) << "a free object was there, and another slab served";
      for (const auto& [address, n] : expected_free) {
        ASSERT_TRUE(n == 0 || address == slab || n + 8 > expected_free[slab]) << "an emptier slab served";
      }
      last_free = --expected_free[slab];
    }
    EXPECT_EQ(last_free, 0u);
  }
}

TEST_F(ListsTest, AMagazineIsFilledFromSeveralSlabsBeforeNewPagesAreTaken) {
  const SizeClass c = class_for(128);
  auto slabs = full_slabs(c, 4);
  std::size_t freed = 0;
  for (auto& [address, objects] : slabs) {
    free_some(c, objects, 3);
    freed += 3;
  }
  const std::size_t before = pages_.taken.size();
  EXPECT_EQ(objects_of(take(c, static_cast<std::uint32_t>(freed))).size(), freed);
  EXPECT_EQ(pages_.taken.size(), before);
}

TEST_F(ListsTest, NoMoreObjectsAreTakenThanWanted) {
  const SizeClass c = class_for(64);
  auto slabs = full_slabs(c, 3);
  for (auto& [address, objects] : slabs) free_some(c, objects, 20);
  for (std::uint32_t want = 1; want < 20; ++want) {
    const auto objects = objects_of(take(c, want));
    ASSERT_EQ(objects.size(), want);
    give_objects(c, objects);
  }
}

TEST_F(ListsTest, FreedObjectsOfTheSlabBeingCarvedServeBeforeItIsCarvedOn) {
  const SizeClass c = class_for(64);
  const auto objects = objects_of(take(c, 10));
  give_objects(c, {objects[2], objects[5]});
  const auto again = objects_of(take(c, 2));
  ASSERT_EQ(again.size(), 2u);
  for (const Object* const object : again) EXPECT_TRUE(object == objects[2] || object == objects[5]);
}

TEST_F(ListsTest, ASlabWithALiveObjectStaysAndTheOthersGo) {
  const SizeClass c = class_for(1024);
  const auto objects = take_objects(c, 200);
  std::vector<Object*> rest;
  for (Object* const object : objects) {
    if (object != objects[50]) rest.push_back(object);
  }
  give_objects(c, rest);
  shrink();
  EXPECT_EQ(counts(c).slabs, 1u);
  EXPECT_EQ(counts(c).out, 1u);
  give_objects(c, {objects[50]});
  shrink();
  EXPECT_EQ(counts(c).slabs, 0u);
}

TEST_F(ListsTest, TheSpareSlabServesBeforeNewPages) {
  const SizeClass c = class_for(4096);
  const auto objects = take_objects(c, 20);
  give_objects(c, objects);
  const std::size_t before = pages_.taken.size();
  const std::size_t kept = counts(c).capacity;
  EXPECT_GE(kept, 1u);
  EXPECT_EQ(take_objects(c, kept).size(), kept);
  EXPECT_EQ(pages_.taken.size(), before);
}

}  // namespace
}  // namespace ashlar::slab
