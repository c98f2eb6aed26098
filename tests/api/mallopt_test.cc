// Tests the parameters of mallopt(3) that have an effect here. Each test restores the parameter.
#include <gtest/gtest.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

#include "api.h"
#include "support/bytes.h"
#include "support/modes.h"

namespace ashlar_test {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

class Perturb : public testing::TestWithParam<size_t> {
 protected:
  void TearDown() override { api.mallopt(M_PERTURB, 0); }
};

TEST_P(Perturb, SetsNewMemoryToTheComplementOfTheByte) {
  ASSERT_EQ(api.mallopt(M_PERTURB, 0xA5), 1);
  for (int i = 0; i < 50; ++i) {
    auto* p = static_cast<unsigned char*>(api.malloc(GetParam()));
    ASSERT_NE(p, nullptr);
    ASSERT_EQ(first_other(p, GetParam(), 0x5A), GetParam());
    memset(p, 0x11, GetParam());
    api.free(p);
  }
}

TEST_P(Perturb, LeavesCallocZero) {
  ASSERT_EQ(api.mallopt(M_PERTURB, 0xA5), 1);
  for (int i = 0; i < 50; ++i) {
    auto* p = static_cast<unsigned char*>(api.calloc(1, GetParam()));
    ASSERT_NE(p, nullptr);
    ASSERT_EQ(first_other(p, GetParam(), 0), GetParam());
    api.free(p);
  }
}

TEST_P(Perturb, OfZeroEndsIt) {
  api.mallopt(M_PERTURB, 0xA5);
  api.free(api.malloc(GetParam()));
  ASSERT_EQ(api.mallopt(M_PERTURB, 0), 1);
  int still = 0;
  for (int i = 0; i < 20; ++i) {
    auto* p = static_cast<unsigned char*>(api.malloc(GetParam()));
    memset(p, 0x11, GetParam());
    api.free(p);
    p = static_cast<unsigned char*>(api.malloc(GetParam()));
    still += first_other(p, GetParam(), 0x5A) == GetParam();
    api.free(p);
  }
  EXPECT_LT(still, 20);
}
INSTANTIATE_TEST_SUITE_P(Sizes, Perturb, testing::Values(24, 200, 1000, 6000, 50000, 3u << 20));

TEST(PerturbFree, SetsFreedMemoryToTheByte) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "reads freed memory";
#endif
  ASSERT_EQ(api.mallopt(M_PERTURB, 0xA5), 1);
  auto* p = static_cast<volatile unsigned char*>(api.malloc(500));
  for (size_t at = 0; at < 500; ++at) p[at] = 0x11;
  api.free(const_cast<unsigned char*>(p));
  // The links of free lists may take the first words.
  size_t perturbed = 0;
  for (size_t at = 64; at < 480; ++at) perturbed += p[at] == 0xA5;
  api.mallopt(M_PERTURB, 0);
  EXPECT_EQ(perturbed, 480u - 64);
}

// Above the threshold a block has a mapping of its own, which its free returns at once.
TEST(MmapThreshold, DecidesWhatIsMapped) {
  ASSERT_EQ(api.mallopt(M_MMAP_THRESHOLD, static_cast<int>(8 * kMiB)), 1);
  struct mallinfo2 before = api.mallinfo2();
  void* p = api.malloc(9 * kMiB);
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(api.mallinfo2().hblks, before.hblks + 1);
  api.free(p);
  EXPECT_EQ(api.mallinfo2().hblks, before.hblks);

  ASSERT_EQ(api.mallopt(M_MMAP_THRESHOLD, static_cast<int>(1 * kMiB)), 1);
  before = api.mallinfo2();
  p = api.malloc(3 * kMiB);
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(api.mallinfo2().hblks, before.hblks + 1);
  api.free(p);
  ASSERT_EQ(api.mallopt(M_MMAP_THRESHOLD, 128 << 10), 1);
}

TEST(TrimThreshold, IsAccepted) {
  EXPECT_EQ(api.mallopt(M_TRIM_THRESHOLD, 0), 1);
  std::vector<void*> blocks;
  for (int i = 0; i < 10000; ++i) blocks.push_back(api.malloc(1000));
  for (void* p : blocks) api.free(p);
  EXPECT_EQ(api.mallopt(M_TRIM_THRESHOLD, 128 << 10), 1);
}

// Judged by what is resident: page faults count those of a sanitizer's shadow too, which it gives back when it likes.
TEST(TrimThreshold, OfMinusOneGivesNothingBack) {
  if (blocks_are_checked()) GTEST_SKIP() << "a checked block's pages do not serve the next one";
  ASSERT_EQ(api.mallopt(M_TRIM_THRESHOLD, -1), 1);
  constexpr size_t kPage = 4096, kBytes = 20000;
  std::vector<char*> blocks(2000);
  for (char*& p : blocks) memset(p = static_cast<char*>(api.malloc(kBytes)), 1, kBytes);
  for (char* p : blocks) api.free(p);
  usleep(1500000);  // longer than pages age by default
  size_t pages = 0, resident = 0;
  for (char* p : blocks) {
    char* const first = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(p) + kPage - 1) & ~(kPage - 1));
    for (char* page = first; page + kPage <= p + kBytes; page += kPage, ++pages) {
      unsigned char state = 0;
      resident += mincore(page, 1, &state) == 0 && (state & 1) != 0;
    }
  }
  EXPECT_GT(resident, pages * 9 / 10) << "of " << pages;
  EXPECT_EQ(api.mallopt(M_TRIM_THRESHOLD, 128 << 10), 1);
}

TEST(MmapThreshold, AboveItsRangeIsItsEndAndBelowIsRefused) {
  EXPECT_EQ(api.mallopt(M_MMAP_THRESHOLD, 1), 0);
  EXPECT_EQ(api.mallopt(M_MMAP_THRESHOLD, 1 << 30), 1);
  EXPECT_EQ(api.mallopt(M_MMAP_MAX, 0), 1);
  const struct mallinfo2 before = api.mallinfo2();
  void* p = api.malloc(20 * kMiB);
  EXPECT_EQ(api.mallinfo2().hblks, before.hblks);
  api.free(p);
  EXPECT_EQ(api.mallopt(M_MMAP_THRESHOLD, -1), 1);
  EXPECT_EQ(api.mallopt(M_MMAP_THRESHOLD, 128 << 10), 1);
}

TEST(PerturbOf256, FillsFreedMemoryWithZerosAndNewMemoryWithOnes) {
  ASSERT_EQ(api.mallopt(M_PERTURB, 256), 1);
  auto* p = static_cast<unsigned char*>(api.malloc(500));
  EXPECT_EQ(p[100], 0xff);
  api.free(p);
  EXPECT_EQ(api.mallopt(M_PERTURB, 0), 1);
}

TEST(MaxFast, IsAcceptedInGlibcsRange) {
  EXPECT_EQ(api.mallopt(M_MXFAST, 64), 1);
  EXPECT_EQ(api.mallopt(M_MXFAST, 100000), 0);
  EXPECT_EQ(api.mallopt(4711, 1), 0) << "unknown";
}

TEST(ArenaMax, IsAccepted) {
  EXPECT_EQ(api.mallopt(M_ARENA_MAX, 1), 1);
  void* p = api.malloc(100);
  EXPECT_NE(p, nullptr);
  api.free(p);
  EXPECT_EQ(api.mallopt(M_ARENA_MAX, 0), 1);
}

}  // namespace
}  // namespace ashlar_test
