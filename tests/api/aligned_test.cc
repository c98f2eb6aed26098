// Tests aligned_alloc, memalign, posix_memalign, valloc and pvalloc by aligned_alloc(3), by POSIX, and by glibc where
// these leave a choice.
#include <errno.h>
#include <gtest/gtest.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "api.h"

namespace ashlar_test {
namespace {

uintptr_t address(const void* p) { return reinterpret_cast<uintptr_t>(p); }

const size_t kSizes[] = {0,    1,    15,   16,   17,    48,    100,      1000,
                         1024, 4095, 4096, 4097, 10000, 40000, 1u << 20, (4u << 20) + 5};

TEST(Aligned, EveryPowerOfTwoIsHonouredForEverySize) {
  for (size_t alignment = 1; alignment <= (size_t{64} << 20); alignment *= 2) {
    std::vector<void*> blocks;
    for (size_t size : kSizes) {
      void* a = api.memalign(alignment, size);
      void* b = api.aligned_alloc(alignment, size);
      void* c = nullptr;
      if (alignment >= sizeof(void*)) ASSERT_EQ(api.posix_memalign(&c, alignment, size), 0);
      for (void* p : {a, b, c}) {
        if (p == c && alignment < sizeof(void*)) continue;
        ASSERT_NE(p, nullptr) << alignment << ", " << size;
        ASSERT_EQ(address(p) % alignment, 0u) << alignment << ", " << size;
        ASSERT_EQ(address(p) % 16, 0u) << alignment << ", " << size;
        ASSERT_GE(api.malloc_usable_size(p), size);
        memset(p, 0x42, api.malloc_usable_size(p));
        blocks.push_back(p);
      }
    }
    for (void* p : blocks) api.free(p);
  }
}

TEST(Aligned, BlocksOfOneClassAreDisjoint) {
  for (size_t alignment : {size_t{32}, size_t{64}, size_t{256}, size_t{4096}, size_t{8192}}) {
    for (size_t size : {size_t{1}, size_t{40}, size_t{300}, size_t{5000}}) {
      std::vector<unsigned char*> blocks;
      for (int i = 0; i < 300; ++i) {
        blocks.push_back(static_cast<unsigned char*>(api.memalign(alignment, size)));
        ASSERT_NE(blocks.back(), nullptr);
        memset(blocks.back(), i % 251, api.malloc_usable_size(blocks.back()));
      }
      for (int i = 0; i < 300; ++i) {
        for (size_t at = 0; at < size; ++at) ASSERT_EQ(blocks[static_cast<size_t>(i)][at], i % 251);
        api.free(blocks[static_cast<size_t>(i)]);
      }
    }
  }
}

TEST(Aligned, BlocksOfNoBytesHaveAddressesOfTheirOwn) {
  for (size_t alignment : {size_t{1}, size_t{16}, size_t{32}, size_t{64}, size_t{256}, size_t{4096}}) {
    std::vector<void*> blocks;
    for (size_t i = 0; i < 300; ++i) blocks.push_back(api.memalign(alignment, i % 2));
    std::vector<void*> sorted = blocks;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(std::adjacent_find(sorted.begin(), sorted.end()), sorted.end()) << alignment;
    for (void* p : blocks) api.free(p);
  }
}

TEST(Aligned, FreedBlocksAreUsedAgain) {
  const size_t before = bytes_in_use();
  for (int i = 0; i < 5000; ++i) {
    for (size_t alignment : {size_t{64}, size_t{4096}, size_t{1} << 20}) api.free(api.memalign(alignment, 3000));
  }
  EXPECT_LT(bytes_in_use(), before + (8u << 20));
}

TEST(PosixMemalign, WithABadAlignmentReturnsEinvalAndTouchesNothing) {
  for (size_t alignment : {size_t{0}, size_t{1}, size_t{2}, size_t{3}, size_t{4}, size_t{7}, size_t{12}, size_t{24},
                           size_t{48}, size_t{4097}, SIZE_MAX, SIZE_MAX - 7}) {
    int marker = 0;
    void* p = &marker;
    errno = 4711;
    EXPECT_EQ(api.posix_memalign(&p, alignment, 100), EINVAL) << alignment;
    EXPECT_EQ(p, &marker) << alignment;
    EXPECT_EQ(errno, 4711) << alignment;
  }
}

TEST(PosixMemalign, OutOfMemoryReturnsEnomemAndTouchesNothing) {
  for (size_t alignment : {size_t{8}, size_t{64}, size_t{1} << 20}) {
    for (size_t size : {size_t{PTRDIFF_MAX}, size_t{PTRDIFF_MAX} + 1, SIZE_MAX - 4096, SIZE_MAX, size_t{1} << 48}) {
      int marker = 0;
      void* p = &marker;
      errno = 4711;
      EXPECT_EQ(api.posix_memalign(&p, alignment, size), ENOMEM) << alignment << ", " << size;
      EXPECT_EQ(p, &marker);
      EXPECT_EQ(errno, ENOMEM) << "programs call perror(3)";
    }
  }
}

TEST(PosixMemalign, KeepsErrnoOnSuccess) {
  void* p = nullptr;
  errno = 4711;
  ASSERT_EQ(api.posix_memalign(&p, 4096, 10 << 20), 0);
  EXPECT_EQ(errno, 4711);
  api.free(p);
}

TEST(Memalign, RoundsAnAlignmentThatIsNoPowerOfTwoUp) {
  const size_t cases[][2] = {{0, 16},  {3, 16},    {17, 32},     {24, 32},     {33, 64},
                             {48, 64}, {100, 128}, {3000, 4096}, {5000, 8192}, {(1u << 20) + 1, 2u << 20}};
  for (const auto& [alignment, expected] : cases) {
    for (int i = 0; i < 20; ++i) {  // several: one could be aligned by luck
      void* p = api.memalign(alignment, 40);
      ASSERT_NE(p, nullptr) << alignment;
      EXPECT_EQ(address(p) % expected, 0u) << alignment;
      if (i % 2 == 0) api.free(p);  // the others stay for the program's life, so that the next is another block
    }
  }
}

TEST(Memalign, WithAnAlignmentThatCannotBeRoundedUpGivesNull) {
  errno = 0;
  EXPECT_EQ(api.memalign(SIZE_MAX / 2 + 2, 1), nullptr);
  EXPECT_EQ(errno, EINVAL);
  errno = 0;
  EXPECT_EQ(api.memalign(SIZE_MAX / 2 + 1, 1), nullptr);
  EXPECT_EQ(errno, ENOMEM);
}

TEST(AlignedAlloc, RejectsAnAlignmentThatIsNoPowerOfTwo) {
  for (size_t alignment : {size_t{0}, size_t{3}, size_t{12}, size_t{24}, size_t{100}, SIZE_MAX}) {
    errno = 0;
    void* p = api.aligned_alloc(alignment, 96);
    EXPECT_EQ(p, nullptr) << alignment;
    EXPECT_EQ(errno, EINVAL) << alignment;
    api.free(p);
  }
}

TEST(AlignedAlloc, TakesASizeThatIsNoMultipleOfTheAlignment) {
  void* p = api.aligned_alloc(256, 3);
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(address(p) % 256, 0u);
  api.free(p);
}

TEST(Aligned, SizesThatOverflowGiveNullAndEnomem) {
  for (size_t alignment : {size_t{16}, size_t{64}, size_t{4096}, size_t{1} << 30}) {
    for (size_t size :
         {size_t{PTRDIFF_MAX}, size_t{PTRDIFF_MAX} + 1, SIZE_MAX - alignment, SIZE_MAX - alignment + 1, SIZE_MAX}) {
      errno = 0;
      EXPECT_EQ(api.memalign(alignment, size), nullptr) << alignment << ", " << size;
      EXPECT_EQ(errno, ENOMEM);
      errno = 0;
      EXPECT_EQ(api.aligned_alloc(alignment, size), nullptr) << alignment << ", " << size;
      EXPECT_EQ(errno, ENOMEM);
    }
  }
}

TEST(Valloc, GivesPages) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  for (size_t size : kSizes) {
    void* p = api.valloc(size);
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(address(p) % page, 0u);
    EXPECT_GE(api.malloc_usable_size(p), size);
    memset(p, 1, size);
    api.free(p);
  }
  errno = 0;
  EXPECT_EQ(api.valloc(SIZE_MAX - 10), nullptr);
  EXPECT_EQ(errno, ENOMEM);
}

TEST(Pvalloc, RoundsTheSizeUpToPages) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  for (size_t size : kSizes) {
    void* p = api.pvalloc(size);
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(address(p) % page, 0u);
    const size_t whole = (size + page - 1) / page * page;
    EXPECT_GE(api.malloc_usable_size(p), whole);
    memset(p, 1, whole);
    api.free(p);
  }
  for (size_t size : {SIZE_MAX, SIZE_MAX - page + 2, size_t{PTRDIFF_MAX} + 1}) {
    errno = 0;
    EXPECT_EQ(api.pvalloc(size), nullptr);
    EXPECT_EQ(errno, ENOMEM);
  }
}

}  // namespace
}  // namespace ashlar_test
