#include "slab/slab_fixture.h"

#include <algorithm>

namespace ashlar::slab {

SlabTest::~SlabTest() {
  for (const std::string& error : pages_.errors) ADD_FAILURE() << error;
  for (const std::string& error : fake_os::state().errors) ADD_FAILURE() << error;
}

std::vector<Object*> SlabTest::objects_of(Magazine magazine) {
  std::vector<Object*> objects;
  for (Object* object = magazine.first; object != nullptr && objects.size() <= magazine.count; object = object->next) {
    objects.push_back(object);
  }
  EXPECT_EQ(objects.size(), magazine.count) << "the list is not as long as it claims";
  auto sorted = objects;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(std::adjacent_find(sorted.begin(), sorted.end()), sorted.end()) << "an object is there twice";
  return objects;
}

Magazine SlabTest::magazine_of(const std::vector<Object*>& objects) {
  Magazine magazine;
  for (Object* const object : objects) {
    object->next = magazine.first;
    magazine.first = object;
    ++magazine.count;
  }
  return magazine;
}

std::vector<Object*> SlabTest::take_objects(SizeClass c, std::size_t n) {
  std::vector<Object*> objects;
  while (objects.size() < n) {
    const Guard guard(cache_of(c).lock);
    const Magazine magazine = take_from_slabs(cache_of(c), c, static_cast<std::uint32_t>(n - objects.size()));
    if (!magazine) {
      ADD_FAILURE() << "no memory for object " << objects.size();
      break;
    }
    for (Object* const object : objects_of(magazine)) objects.push_back(object);
  }
  return objects;
}

}  // namespace ashlar::slab
