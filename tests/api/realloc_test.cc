// Tests realloc and reallocarray: growing and shrinking keep the contents, failures leave the block, and size 0 frees.
#include <errno.h>
#include <gtest/gtest.h>
#include <stdint.h>
#include <string.h>

#include <vector>

#include "api.h"
#include "support/bytes.h"

namespace ashlar_test {
namespace {

const size_t kSizes[] = {1,    16,    17,    100,   128,    500,      1024,           1025,    3000,
                         8192, 20000, 33000, 70000, 200000, 1u << 20, (1u << 20) + 1, 5u << 20};

TEST(Realloc, KeepsTheContentsBetweenAnyTwoSizes) {
  for (size_t from : kSizes) {
    for (size_t to : kSizes) {
      auto* p = static_cast<unsigned char*>(api.malloc(from));
      ASSERT_NE(p, nullptr);
      fill_pattern(p, from, 7);
      p = static_cast<unsigned char*>(api.realloc(p, to));
      ASSERT_NE(p, nullptr);
      ASSERT_EQ(reinterpret_cast<uintptr_t>(p) % 16, 0u);
      ASSERT_GE(api.malloc_usable_size(p), to);
      ASSERT_TRUE(holds_pattern(p, std::min(from, to), 7)) << from << " to " << to;
      fill_pattern(p, to, 9);
      ASSERT_TRUE(holds_pattern(p, to, 9));
      api.free(p);
    }
  }
}

TEST(Realloc, KeepsTheContentsOfAnAlignedBlock) {
  for (size_t alignment : {size_t{32}, size_t{64}, size_t{4096}, size_t{1} << 16, size_t{1} << 21}) {
    for (size_t size : {size_t{10}, size_t{5000}, size_t{2} << 20}) {
      for (size_t to : {size / 2 + 1, size + 1, size * 3}) {
        auto* p = static_cast<unsigned char*>(api.memalign(alignment, size));
        ASSERT_NE(p, nullptr);
        fill_pattern(p, size, 3);
        p = static_cast<unsigned char*>(api.realloc(p, to));
        ASSERT_NE(p, nullptr);
        EXPECT_TRUE(holds_pattern(p, std::min(size, to), 3)) << alignment << ": " << size << " to " << to;
        memset(p, 1, api.malloc_usable_size(p));
        api.free(p);
      }
    }
  }
}

TEST(Realloc, InSmallStepsToLargeAndBackKeepsTheContents) {
  auto* p = static_cast<unsigned char*>(api.malloc(1));
  size_t size = 1;
  fill_pattern(p, size, 1);
  while (size < (48u << 20)) {
    const size_t to = size + size / 5 + 13;
    p = static_cast<unsigned char*>(api.realloc(p, to));
    ASSERT_NE(p, nullptr);
    ASSERT_EQ(p[size - 1], pattern_of(1)[(size - 1) % kPatternSize]);
    if (size < (1u << 20)) ASSERT_TRUE(holds_pattern(p, size, 1));
    fill_pattern(p, to, 1);
    size = to;
  }
  ASSERT_TRUE(holds_pattern(p, size, 1));
  while (size > 10) {
    size = size * 2 / 3;
    p = static_cast<unsigned char*>(api.realloc(p, size));
    ASSERT_NE(p, nullptr);
    if (size < (1u << 20)) ASSERT_TRUE(holds_pattern(p, size, 1));
  }
  api.free(p);
}

TEST(Realloc, OfNullIsMalloc) {
  void* p = api.realloc(nullptr, 100);
  ASSERT_NE(p, nullptr);
  memset(p, 1, 100);
  api.free(p);
  void* empty = api.realloc(nullptr, 0);
  EXPECT_NE(empty, nullptr);
  api.free(empty);
}

TEST(Realloc, ToZeroFreesAndReturnsNull) {
  const size_t before = bytes_in_use();
  for (int i = 0; i < 5000; ++i) {
    for (size_t size : {size_t{50}, size_t{20000}}) ASSERT_EQ(api.realloc(api.malloc(size), 0), nullptr);
  }
  for (int i = 0; i < 100; ++i) ASSERT_EQ(api.realloc(api.malloc(4 << 20), 0), nullptr);
  EXPECT_LT(bytes_in_use(), before + (4u << 20)) << "the blocks were not freed";
}

TEST(Realloc, ThatFailsLeavesTheBlock) {
  for (size_t size : {size_t{10}, size_t{1000}, size_t{40000}, size_t{3} << 20}) {
    auto* p = static_cast<unsigned char*>(api.malloc(size));
    ASSERT_NE(p, nullptr);
    fill_pattern(p, size, 5);
    for (size_t to : {size_t{PTRDIFF_MAX}, size_t{PTRDIFF_MAX} + 1, SIZE_MAX - 64, SIZE_MAX, size_t{1} << 48}) {
      errno = 0;
      ASSERT_EQ(api.realloc(p, to), nullptr) << size << " to " << to;
      EXPECT_EQ(errno, ENOMEM);
    }
    EXPECT_TRUE(holds_pattern(p, size, 5));
    EXPECT_GE(api.malloc_usable_size(p), size);
    api.free(p);
  }
}

// Regression: of a block of 0 bytes, found by the differential fuzzer: NULL, but errno was left as it was.
TEST(Realloc, ThatFailsForABlockOfNoBytesSaysSo) {
  void* const p = api.malloc(0);
  errno = 0;
  EXPECT_EQ(api.realloc(p, PTRDIFF_MAX - 4096), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  api.free(p);
}

TEST(Reallocarray, IsReallocOfTheProduct) {
  auto* p = static_cast<unsigned char*>(api.reallocarray(nullptr, 100, 7));
  ASSERT_NE(p, nullptr);
  fill_pattern(p, 700, 2);
  p = static_cast<unsigned char*>(api.reallocarray(p, 3000, 70));
  ASSERT_NE(p, nullptr);
  EXPECT_GE(api.malloc_usable_size(p), 210000u);
  EXPECT_TRUE(holds_pattern(p, 700, 2));
  EXPECT_EQ(api.reallocarray(p, 0, 70), nullptr);
}

TEST(Reallocarray, WithAnOverflowingProductFailsAndLeavesTheBlock) {
  auto* p = static_cast<unsigned char*>(api.malloc(300));
  fill_pattern(p, 300, 4);
  const size_t half = SIZE_MAX / 2 + 1;
  const size_t pairs[][2] = {
      {half, 2}, {2, half}, {SIZE_MAX, SIZE_MAX}, {half + 8, 2}, {size_t{1} << 32, size_t{1} << 32}};
  for (const auto& pair : pairs) {
    errno = 0;
    EXPECT_EQ(api.reallocarray(p, pair[0], pair[1]), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    errno = 0;
    EXPECT_EQ(api.reallocarray(nullptr, pair[0], pair[1]), nullptr);
    EXPECT_EQ(errno, ENOMEM);
  }
  EXPECT_TRUE(holds_pattern(p, 300, 4));
  api.free(p);
}

TEST(Realloc, ShrinkingALargeBlockGivesMemoryBack) {
  const size_t before = bytes_in_use();
  std::vector<void*> blocks;
  for (int i = 0; i < 8; ++i) {
    void* p = api.malloc(16 << 20);
    ASSERT_NE(p, nullptr);
    blocks.push_back(api.realloc(p, 1 << 20));
    ASSERT_NE(blocks.back(), nullptr);
  }
  EXPECT_LT(bytes_in_use(), before + (8u << 20) + (8u << 20)) << "8 blocks of 1 MiB must not hold 16 MiB each";
  for (void* p : blocks) api.free(p);
}

}  // namespace
}  // namespace ashlar_test
