// Tests that calloc zeroes memory, also memory that was dirty, and refuses products that overflow.
#include <errno.h>
#include <gtest/gtest.h>
#include <stdint.h>
#include <string.h>

#include <vector>

#include "api.h"
#include "support/bytes.h"

namespace ashlar_test {
namespace {

class CallocOf : public testing::TestWithParam<size_t> {};

// Each size is dirtied and freed first; the second round meets what the caches, the buddy and the large-block store
// kept.
TEST_P(CallocOf, IsZeroOverDirtyMemory) {
  const size_t size = GetParam();
  const size_t count = std::min<size_t>(2000, (24u << 20) / (size + 1) + 2);
  for (int round = 0; round < 3; ++round) {
    std::vector<unsigned char*> blocks;
    for (size_t i = 0; i < count; ++i) {
      auto* p = static_cast<unsigned char*>(round == 0 ? api.malloc(size) : api.calloc(1, size));
      ASSERT_NE(p, nullptr);
      if (round > 0) ASSERT_EQ(first_other(p, size, 0), size) << "round " << round << " block " << i;
      memset(p, 0xff, api.malloc_usable_size(p));
      blocks.push_back(p);
    }
    for (unsigned char* p : blocks) api.free(p);
    if (round == 1) api.malloc_trim(0);  // and over purged memory
  }
}
INSTANTIATE_TEST_SUITE_P(Sizes, CallocOf,
                         testing::Values(1, 16, 40, 100, 1000, 1024, 4096, 5000, 9000, 20000, 32768, 70000, 300000,
                                         size_t{1} << 20, size_t{5} << 20, size_t{33} << 20));

TEST(Calloc, OverTheDirtyRestOfAnotherSizeIsZero) {
  for (int round = 0; round < 20; ++round) {
    void* big = api.malloc(3 << 20);
    ASSERT_NE(big, nullptr);
    memset(big, 0xee, 3 << 20);
    api.free(big);
    std::vector<unsigned char*> small;
    for (int i = 0; i < 200; ++i) {
      small.push_back(static_cast<unsigned char*>(api.calloc(7, 1171)));
      ASSERT_NE(small.back(), nullptr);
      ASSERT_EQ(first_other(small.back(), 7 * 1171, 0), 7u * 1171);
    }
    for (unsigned char* p : small) {
      memset(p, 0xdd, 7 * 1171);
      api.free(p);
    }
  }
}

TEST(Calloc, OfNothingGivesUniquePointers) {
  void* a = api.calloc(0, 8);
  void* b = api.calloc(8, 0);
  void* c = api.calloc(0, SIZE_MAX);
  EXPECT_TRUE(a != nullptr && b != nullptr && c != nullptr);
  EXPECT_TRUE(a != b && b != c && a != c);
  for (void* p : {a, b, c}) api.free(p);
}

TEST(Calloc, WithAnOverflowingProductGivesNullAndEnomem) {
  const size_t half = SIZE_MAX / 2 + 1;
  const size_t pairs[][2] = {{half, 2},
                             {2, half},
                             {SIZE_MAX, SIZE_MAX},
                             {SIZE_MAX, 2},
                             {half + 1, 2},
                             {1, SIZE_MAX},
                             {size_t{1} << 32, size_t{1} << 32},
                             {1, PTRDIFF_MAX},
                             {(size_t{1} << 32) + 1, size_t{1} << 32}};
  for (const auto& pair : pairs) {
    errno = 0;
    EXPECT_EQ(api.calloc(pair[0], pair[1]), nullptr) << pair[0] << " x " << pair[1];
    EXPECT_EQ(errno, ENOMEM) << pair[0] << " x " << pair[1];
  }
}

TEST(Calloc, AlignsTo16) {
  for (size_t size = 0; size < 2048; size += 3) {
    void* p = api.calloc(size, 1);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % 16, 0u);
    api.free(p);
  }
}

}  // namespace
}  // namespace ashlar_test
