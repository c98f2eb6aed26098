// What the tests of the slab layer share.
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

  // A magazine's objects, which are checked to be distinct and of the count that it claims.
  static std::vector<Object*> objects_of(Magazine magazine);
  // Objects as a magazine.
  static Magazine magazine_of(const std::vector<Object*>& objects);
  // Exactly n objects, past the depot.
  static std::vector<Object*> take_objects(SizeClass c, std::size_t n);
  static void give_objects(SizeClass c, const std::vector<Object*>& objects) {
    return_to_slabs(c, magazine_of(objects), "free()");
  }
  // The slab that an object is in.
  static std::uintptr_t slab_address(const Object* object) { return page::page_address(page::slab_of(object)); }

  fake_page::State& pages_;
};

}  // namespace ashlar::slab
