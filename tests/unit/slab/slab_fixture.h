// Shared by the tests of the slab layer.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "fake_os/fake_os.h"
#include "fake_page/fake_page.h"
#include "slab/cache.h"

namespace ashlar::slab {

class SlabTest : public testing::Test {
 protected:
  SlabTest() : pages_(fake_page::state()) {}
  ~SlabTest() override;

  // Returns a magazine's objects, after checking that they are distinct and as many as its count says.
  static std::vector<Object*> objects_of(Magazine magazine);
  // Makes a magazine of objects.
  static Magazine magazine_of(const std::vector<Object*>& objects);
  // Takes exactly n objects, without the depot.
  static std::vector<Object*> take_objects(SizeClass c, std::size_t n);
  static void give_objects(SizeClass c, const std::vector<Object*>& objects) {
    return_to_slabs(c, magazine_of(objects), "free()");
  }
  // Returns the slab that an object is in.
  static std::uintptr_t slab_address(const Object* object) { return page::page_address(page::slab_of(object)); }

  fake_page::State& pages_;
};

}  // namespace ashlar::slab
