// Tests malloc, free, malloc_usable_size, cfree and the sized frees: success, failure and the edges of malloc(3) and
// C23 7.24.3.
#include <errno.h>
#include <gtest/gtest.h>
#include <stdint.h>
#include <string.h>

#include <algorithm>
#include <set>
#include <vector>

#include "api.h"
#include "support/bytes.h"
#include "support/modes.h"

namespace ashlar_test {
namespace {

bool aligned(const void* p, size_t alignment) { return reinterpret_cast<uintptr_t>(p) % alignment == 0; }

const std::vector<size_t>& sizes_to_try() {
  static const std::vector<size_t> sizes = [] {
    std::vector<size_t> all;
    for (size_t size = 0; size <= 4096; ++size) all.push_back(size);
    for (size_t size = 4097; size < (8u << 20); size += size / 7) all.push_back(size);
    for (size_t power = 8192; power <= (64u << 20); power *= 2) {
      for (size_t size : {power - 1, power, power + 1}) all.push_back(size);
    }
    return all;
  }();
  return sizes;
}

TEST(Malloc, AlignsEverySizeTo16AndGivesAtLeastWhatWasAsked) {
  for (size_t size : sizes_to_try()) {
    void* p = api.malloc(size);
    ASSERT_NE(p, nullptr) << size;
    ASSERT_TRUE(aligned(p, 16)) << size << " at " << p;
    ASSERT_GE(api.malloc_usable_size(p), size);
    api.free(p);
  }
}

TEST(Malloc, OfZeroGivesUniquePointersThatCanBeFreed) {
  std::vector<void*> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(api.malloc(0));
  std::vector<void*> sorted = blocks;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_NE(sorted.front(), nullptr);
  EXPECT_EQ(std::adjacent_find(sorted.begin(), sorted.end()), sorted.end());
  for (void* p : blocks) api.free(p);
}

TEST(Malloc, OfZeroMayBeMeasuredAndResizedAndManyMayLive) {
  std::vector<void*> blocks;
  for (int i = 0; i < 20000; ++i) blocks.push_back(i % 2 == 0 ? api.malloc(0) : api.calloc(0, 8));
  EXPECT_EQ(std::set<void*>(blocks.begin(), blocks.end()).size(), blocks.size());
  for (void* p : blocks) {
    const size_t usable = api.malloc_usable_size(p);
    if (!blocks_are_checked()) ASSERT_GE(usable, 16u) << "programs write to it";
    memset(p, 1, usable);
  }
  for (void*& p : blocks) {
    p = api.realloc(p, 24);
    ASSERT_NE(p, nullptr);
    memset(p, 1, 24);
  }
  for (void* p : blocks) api.free(p);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(api.realloc(api.malloc(0), 0), nullptr);
}

TEST(Malloc, BlocksAreWritableToTheEndOfTheirUsableSizeAndDisjoint) {
  struct Block {
    unsigned char* p;
    size_t size;
  };
  std::vector<Block> blocks;
  size_t total = 0;
  for (size_t size : sizes_to_try()) {
    if (size > (1u << 20)) continue;
    auto* p = static_cast<unsigned char*>(api.malloc(size));
    ASSERT_NE(p, nullptr);
    const size_t usable = api.malloc_usable_size(p);
    ASSERT_LE(usable, 2 * size + 4096) << "an implausible usable size for " << size;
    memset(p, static_cast<int>(blocks.size() % 251), usable);
    blocks.push_back({p, usable});
    total += usable;
  }
  ASSERT_GT(total, size_t{8} << 20);
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto expected = static_cast<unsigned char>(i % 251);
    ASSERT_EQ(first_other(blocks[i].p, blocks[i].size, expected), blocks[i].size) << "block " << i;
    api.free(blocks[i].p);
  }
}

TEST(Malloc, AboveThePointerDifferenceGivesNullAndEnomem) {
  const size_t limit = PTRDIFF_MAX;
  for (size_t size : {limit, limit + 1, limit + 4096, SIZE_MAX - 4096, SIZE_MAX - 15, SIZE_MAX}) {
    errno = 0;
    EXPECT_EQ(api.malloc(size), nullptr) << size;
    EXPECT_EQ(errno, ENOMEM) << size;
  }
}

TEST(Malloc, OfMoreThanTheAddressSpaceFailsAndSmallRequestsGoOn) {
  errno = 0;
  EXPECT_EQ(api.malloc(size_t{1} << 48), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  void* p = api.malloc(100);
  EXPECT_NE(p, nullptr);
  api.free(p);
}

TEST(Free, OfNullDoesNothing) {
  errno = 4711;
  api.free(nullptr);
  EXPECT_EQ(errno, 4711);
}

TEST(Free, KeepsErrnoForEverySizeAndThroughPurges) {
  for (size_t size : {size_t{1}, size_t{100}, size_t{5000}, size_t{100000}, size_t{3} << 20, size_t{40} << 20}) {
    std::vector<void*> blocks;
    for (size_t total = 0; total < (64u << 20) && blocks.size() < 100000; total += size) {
      void* p = api.malloc(size);
      ASSERT_NE(p, nullptr);
      memset(p, 1, size);
      blocks.push_back(p);
    }
    errno = 4711;
    for (void* p : blocks) {
      api.free(p);
      ASSERT_EQ(errno, 4711) << size;
    }
  }
}

TEST(UsableSize, OfNullIsZero) { EXPECT_EQ(api.malloc_usable_size(nullptr), 0u); }

TEST(UsableSize, IsTheSameUntilTheBlockIsFreed) {
  for (size_t size : {size_t{1}, size_t{777}, size_t{40000}, size_t{5} << 20}) {
    void* p = api.malloc(size);
    ASSERT_NE(p, nullptr);
    const size_t usable = api.malloc_usable_size(p);
    memset(p, 0xff, usable);
    EXPECT_EQ(api.malloc_usable_size(p), usable);
    api.free(p);
  }
}

TEST(Cfree, Frees) {
  ASSERT_NE(api.cfree, nullptr) << "not exported";
  const size_t before = bytes_in_use();
  for (int i = 0; i < 1000; ++i) api.cfree(api.malloc(64 << 10));
  EXPECT_LT(bytes_in_use(), before + (8u << 20));
  api.cfree(nullptr);
}

// A program may give any size to a sized free: real programs get it wrong, so it is not trusted.
TEST(FreeSized, FreesWhateverSizeItIsGiven) {
  ASSERT_NE(api.free_sized, nullptr) << "not exported";
  ASSERT_NE(api.free_aligned_sized, nullptr) << "not exported";
  for (size_t size : {size_t{0}, size_t{1}, size_t{24}, size_t{1000}, size_t{30000}, size_t{2} << 20}) {
    for (size_t told : {size, size_t{0}, size_t{1}, size + 1, size * 16 + 16, SIZE_MAX}) {
      auto* p = static_cast<unsigned char*>(api.malloc(size));
      auto* neighbour = static_cast<unsigned char*>(api.malloc(size));
      ASSERT_TRUE(p != nullptr && neighbour != nullptr);
      memset(neighbour, 0x5c, size);
      errno = 4711;
      api.free_sized(p, told);
      EXPECT_EQ(errno, 4711);
      // Whatever the free did with a wrong size must show as overlap of what is handed out next.
      auto* fresh = static_cast<unsigned char*>(api.malloc(size));
      memset(fresh, 0xa3, size);
      for (size_t i = 0; i < size; ++i) ASSERT_EQ(neighbour[i], 0x5c);
      api.free_sized(fresh, size);

      void* q = api.aligned_alloc(64, size);
      ASSERT_NE(q, nullptr);
      api.free_aligned_sized(q, told % 2 == 0 ? 64 : 4096, told);
      api.free(neighbour);
    }
  }
  api.free_sized(nullptr, 10);
  api.free_aligned_sized(nullptr, 16, 10);
}

TEST(FreeSized, WithAWrongSizeLeavesTheAccountsRight) {
  ASSERT_NE(api.free_sized, nullptr) << "not exported";
  const size_t before = bytes_in_use();
  for (int i = 0; i < 20000; ++i) api.free_sized(api.malloc(1024), 16);
  for (int i = 0; i < 200; ++i) api.free_sized(api.malloc(1 << 20), 16);
  EXPECT_LT(bytes_in_use(), before + (4u << 20));
}

}  // namespace
}  // namespace ashlar_test
