// heap: tests that the violation of each rule of bins is found. Each test makes one change behind the layer's back and
// undoes it. Also tests that ashlar_validate, which checks all layers, reports a violation.
#include <ashlar/ashlar.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "broken_rule.h"
#include "heap/bins.h"
#include "heap/pool.h"
#include "slab/cache.h"

namespace ashlar::heap {
namespace {

class HeapValidateTest : public testing::Test {
 protected:
  HeapValidateTest() {
    for (void*& block : blocks_) block = ashlar_malloc(256);
    for (void* const block : blocks_) ashlar_free(block);
  }

  template <class T, class U>
  static void expect_broken(T& value, U other, std::string_view rule) {
    ashlar_test::expect_broken_by([] { return validate(); }, value, other, rule);
  }

  void* blocks_[20] = {};
  SizeClass c_ = slab::class_for(256);
};

TEST_F(HeapValidateTest, BinsRoomsAndPromises) {
  Heap& heap = *current;
  Bin& bin = heap.bins[c_.raw];
  ASSERT_NE(heap.loaded.first(c_.raw), nullptr);
  expect_broken(heap.loaded.room_word(c_.raw), bin.capacity + 2, "a bin has no more room than its capacity");
  expect_broken(heap.promised, heap.promised + 1, "a heap counts what its bins may hold");
  expect_broken(bin.limit, bin.limit + 1, "a heap counts what its bins may hold");
  expect_broken(bin.limit, 60000, "a bin's limit is a full magazine at most");
  expect_broken(heap.loaded.room_word(0), 1, "class 0 has neither objects nor room");
  expect_broken(heap.loaded.first(c_.raw), reinterpret_cast<Object*>(&heap),
                "a bin's loaded magazine holds its class's objects, as many as it counts");
  expect_broken(bin.previous, static_cast<Object*>(blocks_[0]),
                "a bin's previous magazine holds its class's objects, as many as it counts");
}

TEST_F(HeapValidateTest, Pools) {
  Pool like;
  like.make = [](void*) { return ashlar_malloc(64); };
  like.end = [](void* element, void*) { ashlar_free(element); };
  Pool* const pool = create_pool(like, 4);
  ASSERT_NE(pool, nullptr);
  const auto expect = [&](auto& value, auto other, std::string_view rule) {
    ashlar_test::expect_broken_by([&] { return validate(*pool); }, value, other, rule);
  };
  expect(pool->count, pool->capacity + 1, "a pool's elements, and those that it is to have, are within its capacity");
  expect(pool->min, pool->capacity + 1, "a pool's elements, and those that it is to have, are within its capacity");
  expect(pool->elements, nullptr, "a pool with a capacity has a table");
  expect(pool->elements[3], nullptr, "a pool's reserve holds elements");
  destroy(pool);
}

TEST_F(HeapValidateTest, TheListOfHeaps) { expect_broken(current->kind, Kind::kDead, "a listed heap is live"); }

TEST_F(HeapValidateTest, ThePublicFunctionReportsWhatIsBrokenInAnyLayer) {
  EXPECT_EQ(ashlar_validate(), 0u);
  auto& out = slab::cache_of(c_).out;
  out += 1;
  testing::internal::CaptureStderr();
  EXPECT_EQ(ashlar_validate(), 1u);
  EXPECT_NE(testing::internal::GetCapturedStderr().find(
                "ashlar: ashlar_validate(): a rule of the heap is broken: a cache counts the objects"),
            std::string::npos);
  out -= 1;
  EXPECT_EQ(ashlar_validate(), 0u);
}

}  // namespace
}  // namespace ashlar::heap
