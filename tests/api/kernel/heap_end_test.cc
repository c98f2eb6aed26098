// Tests how long the end of a heap of ashlar/heap.h takes.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "ashlar/heap.h"

namespace {

// 400 000 blocks lie in some 100 chunks: a visit of each block would take as long as their frees.
TEST(HeapEnd, TakesATimeThatGrowsWithThePages) {
  using Clock = std::chrono::steady_clock;
  constexpr size_t kBlocks = 400000;
  std::vector<void*> blocks(kBlocks);
  double ending = 1e9, freeing = 1e9;
  for (int round = 0; round < 3; ++round) {
    ashlar_heap* const many = ashlar_heap_create("many", 0);
    for (void*& block : blocks) ASSERT_NE(block = ashlar_heap_malloc(many, 16), nullptr);
    const Clock::time_point start = Clock::now();
    ASSERT_EQ(ashlar_heap_destroy(many), 0);
    ending = std::min(ending, std::chrono::duration<double>(Clock::now() - start).count());
  }
  for (int round = 0; round < 2; ++round) {
    ashlar_heap* const many = ashlar_heap_create("many", 0);
    for (void*& block : blocks) ASSERT_NE(block = ashlar_heap_malloc(many, 16), nullptr);
    const Clock::time_point start = Clock::now();
    for (void* const block : blocks) ashlar_heap_free(many, block);
    freeing = std::min(freeing, std::chrono::duration<double>(Clock::now() - start).count());
    ASSERT_EQ(ashlar_heap_destroy(many), 0);
  }
  EXPECT_LT(ending * 8, freeing) << ending << " s to end the heap, " << freeing << " s to free its blocks";
}

}  // namespace
