// Shared by the tests of the heap layer.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "heap/heap.h"

namespace ashlar::heap {

// malloc and free without the checks of api.
inline void* get(std::size_t size) {
  void* const p = pop(size);
  return p != nullptr ? p : allocate(size);
}
inline void put(void* p) {
  if (!push(p)) {
    EXPECT_TRUE(release(p, "free()"));
  }
}

inline std::vector<void*> get_many(std::size_t size, std::size_t n) {
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < n; ++i) blocks.push_back(get(size));
  return blocks;
}
inline void put_all(const std::vector<void*>& blocks) {
  for (void* const p : blocks) put(p);
}

// Returns the number of objects of a class that this thread's own lists hold.
inline std::size_t held(SizeClass c) {
  std::size_t n = 0;
  for (const Object* object = current->loaded.first(c.raw); object != nullptr; object = object->next) ++n;
  for (const Object* object = current->bins[c.raw].previous; object != nullptr; object = object->next) ++n;
  return n;
}

inline std::size_t held_bytes() {
  std::size_t bytes = 0;
  for (unsigned c = 1; c < slab::kClasses; ++c) bytes += held(SizeClass(c)) * slab::size_of(SizeClass(c));
  return bytes;
}

// Ends the coarse size classes of a tiny process, if there are any, so that the classes are exact afterwards.
inline void grow_up() {
  for (int i = 0; i < 600; ++i) put_all(get_many(16 + static_cast<std::size_t>(i % 64) * 512, 2));
}

}  // namespace ashlar::heap
