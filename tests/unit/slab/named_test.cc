// slab: tests named caches: every object that was handed out is accepted again, for each size, alignment and
// constructor.
#include <algorithm>

#include "slab/slab_fixture.h"

namespace ashlar::slab {
namespace {

void construct(void*) {}

class NamedTest : public SlabTest {
 protected:
  // Adds objects from the slabs until there are n.
  static void take_up_to(NamedCache& named, std::size_t n, std::vector<Object*>& objects) {
    Cache& cache = static_cast<WholeNamedCache&>(named).cache;
    while (objects.size() < n) {
      const Guard guard(cache.lock);
      const Magazine magazine = take_from_slabs(cache, named.info, static_cast<std::uint32_t>(n - objects.size()));
      ASSERT_TRUE(magazine) << "object " << objects.size() << " of " << named.info.size << " bytes";
      for (Object* const object : objects_of(magazine)) objects.push_back(object);
    }
  }

  static void return_one(NamedCache& named, Object* object) {
    return_to_slabs(named, magazine_of({object}), "ashlar_cache_free()");
  }

  // Gives all but every fifth object back, the last ones first, and takes them again; then all of them.
  static void exchange(NamedCache& named, std::size_t n) {
    std::vector<Object*> objects, kept;
    take_up_to(named, n, objects);
    for (std::size_t i = n; i-- > 0;) {
      if (i % 5 == 0) kept.push_back(objects[i]);
      else return_one(named, objects[i]);
    }
    take_up_to(named, n, kept);
    std::sort(kept.begin(), kept.end());
    EXPECT_EQ(std::adjacent_find(kept.begin(), kept.end()), kept.end()) << "an object is out twice";
    EXPECT_EQ(counts(named).out, n);
    for (Object* const object : kept) return_one(named, object);
    EXPECT_EQ(counts(named).out, 0u);
  }
};

// The link of a constructed object is its last word. In a slab that the objects fill, the last one's lies in the last
// granule.
TEST_F(NamedTest, ObjectsThatFillTheLargestSlabAllComeBack) {
  const Wanted kinds[] = {{"filling", 262000, 4096, construct},      {"filling", 262136, 0, construct},
                          {"filling", 200000, 256 << 10, construct}, {"filling", 262144, 256 << 10, construct},
                          {"filling", 131000, 4096, construct},      {"filling", 262144, 0, nullptr}};
  for (const Wanted& wanted : kinds) {
    Made made;
    Handle* const handle = create(wanted, made);
    ASSERT_NE(handle, nullptr);
    exchange(*handle->named, 60);
    EXPECT_FALSE(destroy(handle, 0));
  }
}

TEST_F(NamedTest, NoLinkLiesInTheGranuleThatStandsForNone) {
  for (std::size_t alignment = 16; alignment <= kMaxNamedSize; alignment *= 2) {
    for (const std::size_t size : {16, 100, 4000, 32760, 65528, 131064, 131072, 262000, 262136, 262144}) {
      Made made;
      Handle* const handle = create({"links", size, alignment, construct}, made);
      ASSERT_NE(handle, nullptr);
      const ClassInfo& info = handle->named->info;
      for (unsigned order = info.min_order.raw; order <= info.max_order.raw; ++order) {
        const std::size_t last = (Order(order).bytes() / info.size - 1) * info.size + info.link;
        EXPECT_LT(last / kMinAlign, page::kNoObject) << size << " at " << alignment << ", order " << order;
      }
      EXPECT_FALSE(destroy(handle, 0));
    }
  }
}

// Who frees the last slab of a cache reads the cache's figures once more, when the slab is not counted any more.
TEST_F(NamedTest, ANumberIsNotUsedAgainWhileAThreadFreesItsLastSlab) {
  Made made;
  Handle* const first = create({"first", 4000, 0, nullptr, false, false}, made);
  ASSERT_NE(first, nullptr);
  NamedCache& named = *first->named;
  const CacheNumber number = named.info.number;
  {
    const Move move(named);
    EXPECT_FALSE(moves_of(named).settled());
    ASSERT_FALSE(destroy(first, 0));
    Handle* const second = create({"second", 5000, 0, nullptr, false, false}, made);
    ASSERT_NE(second, nullptr);
    EXPECT_NE(second->number, number);
    EXPECT_FALSE(destroy(second, 0));
  }
  EXPECT_TRUE(moves_of(named).settled());
  Handle* const third = create({"third", 6000, 0, nullptr, false, false}, made);
  ASSERT_NE(third, nullptr);
  EXPECT_EQ(third->number, number);
  EXPECT_FALSE(destroy(third, 0));
}

}  // namespace
}  // namespace ashlar::slab
