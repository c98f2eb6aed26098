// os: tests mappings: what can be accessed, what reads as zero, what is kept, and that errno is kept.
#include <gtest/gtest.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "os/os.h"
#include "support/address_space.h"
#include "support/emulated.h"

namespace ashlar::os {
namespace {

constexpr std::size_t kBytes = 256_KiB;

char* at(void* p, std::size_t offset) { return static_cast<char*>(p) + offset; }

bool all_zero(const void* p, std::size_t bytes) {
  const auto* const c = static_cast<const char*>(p);
  return c[0] == 0 && std::memcmp(c, c + 1, bytes - 1) == 0;
}

std::size_t resident_pages(void* p, std::size_t bytes) {
  std::vector<unsigned char> map(bytes / page_bytes());
  EXPECT_EQ(mincore(p, bytes, map.data()), 0);
  std::size_t n = 0;
  for (const unsigned char page : map) n += page & 1u;
  return n;
}

long virtual_kib() {
  return static_cast<long>(ashlar_test::address_space_pages()) * static_cast<long>(page_bytes() >> 10);
}

class OsMemoryTest : public testing::Test {
 protected:
  OsMemoryTest() { errno = 4711; }
  ~OsMemoryTest() override { EXPECT_EQ(errno, 4711) << "errno is the program's"; }
};
using OsMemoryDeathTest = OsMemoryTest;

TEST_F(OsMemoryTest, ThePageIsTheKernels) {
  EXPECT_EQ(page_bytes(), getauxval(AT_PAGESZ));
  EXPECT_EQ(page_bytes(), static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
}

TEST_F(OsMemoryTest, AMappingIsZeroAndWritable) {
  void* const p = map(kBytes);
  ASSERT_NE(p, nullptr);
  EXPECT_TRUE(all_zero(p, kBytes));
  std::memset(p, 1, kBytes);
  unmap(p, kBytes);
  EXPECT_FALSE(readable(p, 1));
}

// A filter that forbids the rest cannot be installed here; tests/faults has one.
TEST_F(OsMemoryTest, MmapAloneDoesWhatMprotectAndMadviseDo) {
  options.mmap_only = 1;
  auto* const p = static_cast<char*>(map_guarded(kBytes));
  ASSERT_NE(p, nullptr);
  std::memset(p, 1, kBytes);
  std::uintptr_t start = reinterpret_cast<std::uintptr_t>(p);
  std::size_t bytes = kBytes / 2;
  EXPECT_TRUE(purge(start, bytes, PurgeMode::kFree));
  EXPECT_TRUE(all_zero(p, kBytes / 2));
  EXPECT_EQ(p[kBytes / 2], 1);
  EXPECT_EQ(remap_guarded(p, kBytes, 2 * kBytes), nullptr) << "only mremap moves pages";
  EXPECT_EQ(remap_guarded(p, kBytes, kBytes / 2), p);
  EXPECT_TRUE(readable(p, 1));
  EXPECT_TRUE(readable(p + page_bytes() - 1, 2));
  unmap_guarded(p, kBytes / 2);
  EXPECT_FALSE(readable(p, 1));
  EXPECT_FALSE(readable(p - 1 + page_bytes(), 2));
  EXPECT_EQ(memory_limits().limit, SIZE_MAX);
  EXPECT_FALSE(start_thread([] {}));
  options.mmap_only = 0;
}

TEST_F(OsMemoryTest, AReservationIsUsableWhereItIsCommittedAlone) {
  void* const p = reserve(kBytes);
  ASSERT_NE(p, nullptr);
  EXPECT_FALSE(readable(p, 1));
  ASSERT_TRUE(commit(at(p, 65536), 65536));
  EXPECT_FALSE(readable(at(p, 65535), 1));
  EXPECT_FALSE(readable(at(p, 131072), 1));
  EXPECT_TRUE(all_zero(at(p, 65536), 65536));
  std::memset(at(p, 65536), 1, 65536);
  unmap(p, kBytes);
}

TEST_F(OsMemoryTest, MoreThanThereIsGivesNull) {
  constexpr std::size_t kTooMuch = std::size_t{1} << 50;
  EXPECT_EQ(reserve(kTooMuch), nullptr);
  EXPECT_EQ(map(kTooMuch), nullptr);
  EXPECT_EQ(map_guarded(kTooMuch), nullptr);
}

TEST_F(OsMemoryTest, CommittingWhatIsNotReservedIsRefused) {
  void* const p = reserve(kBytes);
  unmap(p, kBytes);
  EXPECT_FALSE(commit(p, kBytes));
}

TEST_F(OsMemoryTest, AGuardedMappingEndsAtAPageThatCannotBeTouched) {
  for (std::size_t bytes = page_bytes(); bytes <= 4 * page_bytes(); bytes += page_bytes()) {
    void* const p = map_guarded(bytes);
    ASSERT_NE(p, nullptr);
    std::memset(p, 1, bytes);
    EXPECT_FALSE(readable(at(p, bytes), 1));
    EXPECT_FALSE(readable(at(p, bytes + page_bytes() - 1), 1));
    unmap_guarded(p, bytes);
    EXPECT_FALSE(readable(p, 1));
  }
}

TEST_F(OsMemoryDeathTest, WritingIntoTheGuardIsASegmentationFault) {
  void* const p = map_guarded(kBytes);
  EXPECT_EXIT(
      *at(p, kBytes) = 1, [](int status) { return WIFSIGNALED(status) || WEXITSTATUS(status) != 0; }, "");
  *at(p, kBytes - 1) = 1;
  unmap_guarded(p, kBytes);
}

TEST_F(OsMemoryTest, RemappingKeepsTheContentsMovesTheGuardAndZeroesWhatIsNew) {
  const std::size_t page = page_bytes();
  for (std::size_t from = 1; from <= 9; from += 2) {
    for (std::size_t to = 1; to <= 12; ++to) {
      auto* p = static_cast<char*>(map_guarded(from * page));
      for (std::size_t i = 0; i < from; ++i) std::memset(p + i * page, static_cast<int>(i + 1), page);
      auto* const q = static_cast<char*>(remap_guarded(p, from * page, to * page));
      ASSERT_NE(q, nullptr);
      for (std::size_t i = 0; i < to; ++i) {
        ASSERT_EQ(q[i * page], i < from ? static_cast<char>(i + 1) : 0) << from << " to " << to << " page " << i;
        ASSERT_EQ(q[i * page + page - 1], i < from ? static_cast<char>(i + 1) : 0);
      }
      EXPECT_FALSE(readable(q + to * page, 1)) << "no guard: " << from << " to " << to;
      if (q != p) {
        EXPECT_FALSE(readable(p, 1)) << "the old place is still there";
      }
      unmap_guarded(q, to * page);
      EXPECT_FALSE(readable(q, 1));
    }
  }
}

TEST_F(OsMemoryTest, AMappingThatShrankAndGrewAgainHasNoOldContents) {
  const std::size_t page = page_bytes();
  void* p = map_guarded(8 * page);
  std::memset(p, 7, 8 * page);
  p = remap_guarded(p, 8 * page, 2 * page);
  ASSERT_NE(p, nullptr);
  p = remap_guarded(p, 2 * page, 8 * page);
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(*at(p, 2 * page - 1), 7);
  EXPECT_TRUE(all_zero(at(p, 2 * page), 6 * page));
  unmap_guarded(p, 8 * page);
}

TEST_F(OsMemoryTest, ARefusedRemapChangesNothing) {
  const std::size_t page = page_bytes();
  void* const p = map_guarded(2 * page);
  std::memset(p, 7, 2 * page);
  EXPECT_EQ(remap_guarded(p, 2 * page, std::size_t{1} << 50), nullptr);
  EXPECT_EQ(*at(p, 2 * page - 1), 7);
  EXPECT_FALSE(readable(at(p, 2 * page), 1));
  unmap_guarded(p, 2 * page);
}

TEST_F(OsMemoryTest, PurgingGivesPagesBackAndTheyReadAsZero) {
  void* const p = map(kBytes);
  std::memset(p, 1, kBytes);
  auto start = reinterpret_cast<std::uintptr_t>(p) + 65536;
  std::size_t bytes = 65536;
  EXPECT_TRUE(purge(start, bytes, PurgeMode::kDontNeed));
  EXPECT_EQ(start, reinterpret_cast<std::uintptr_t>(p) + 65536);
  EXPECT_EQ(bytes, 65536u);
  EXPECT_EQ(resident_pages(at(p, 65536), 65536), 0u);
  EXPECT_EQ(resident_pages(p, 65536), 65536 / page_bytes());
  EXPECT_TRUE(all_zero(at(p, 65536), 65536));
  EXPECT_EQ(*at(p, 65535), 1);
  EXPECT_EQ(*at(p, 131072), 1);
  unmap(p, kBytes);
}

TEST_F(OsMemoryTest, PurgingTakesWholeOsPagesWithinTheRangeAlone) {
  void* const p = map(kBytes);
  std::memset(p, 1, kBytes);
  const auto base = reinterpret_cast<std::uintptr_t>(p);
  std::uintptr_t start = base + 1;
  std::size_t bytes = 3 * page_bytes() - 2;
  EXPECT_TRUE(purge(start, bytes, PurgeMode::kDontNeed));
  EXPECT_EQ(start, base + page_bytes());
  EXPECT_EQ(bytes, page_bytes());
  EXPECT_EQ(*at(p, page_bytes() - 1), 1);
  EXPECT_EQ(*at(p, page_bytes()), 0);
  EXPECT_EQ(*at(p, 2 * page_bytes()), 1);
  start = base + 1;
  bytes = page_bytes();
  EXPECT_FALSE(purge(start, bytes, PurgeMode::kDontNeed)) << "no whole page lies inside";
  EXPECT_EQ(start, base + 1);
  unmap(p, kBytes);
}

TEST_F(OsMemoryTest, PurgingWithMadvFreeLeavesZeroOrTheOldContents) {
  void* const p = map(kBytes);
  std::memset(p, 1, kBytes);
  auto start = reinterpret_cast<std::uintptr_t>(p);
  std::size_t bytes = kBytes;
  EXPECT_TRUE(purge(start, bytes, PurgeMode::kFree));
  for (std::size_t i = 0; i < kBytes; i += 512) ASSERT_TRUE(*at(p, i) == 0 || *at(p, i) == 1);
  std::memset(p, 2, kBytes);
  EXPECT_EQ(*at(p, kBytes - 1), 2);
  unmap(p, kBytes);
}

TEST_F(OsMemoryTest, TheBreakIsRecognised) {
  if (kEmulated) GTEST_SKIP() << "the emulator does not tell where the break began";
  char* const before = static_cast<char*>(sbrk(4096));
  ASSERT_NE(before, reinterpret_cast<char*>(-1));
  EXPECT_TRUE(in_break(before));
  EXPECT_TRUE(in_break(before + 4095));
  EXPECT_FALSE(in_break(sbrk(0)));
  int on_stack = 0;
  EXPECT_FALSE(in_break(&on_stack));
  EXPECT_FALSE(in_break(nullptr));
}

TEST_F(OsMemoryTest, AnAlignedReservationIsAlignedAndTakesNoMoreThanItsSize) {
  if (kEmulated) GTEST_SKIP() << "the emulator shows its own /proc/self/statm";
  for (const std::size_t alignment : {2_MiB, 32_MiB, 1024_MiB}) {
    void* const odd = reserve(page_bytes());  // so that the next place is none that happens to be aligned
    const long before = virtual_kib();
    void* const p = reserve_aligned(alignment, alignment);
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % alignment, 0u);
    EXPECT_EQ(virtual_kib() - before, static_cast<long>(alignment >> 10));
    ASSERT_TRUE(commit(at(p, alignment - page_bytes()), page_bytes()));
    std::memset(at(p, alignment - page_bytes()), 1, page_bytes());
    unmap(p, alignment);
    unmap(odd, page_bytes());
    EXPECT_EQ(virtual_kib(), before - static_cast<long>(page_bytes() >> 10));
  }
}

TEST_F(OsMemoryTest, AdviceOfHugePagesHarmsNothing) {
  void* const p = map(4_MiB);
  advise_huge(p, 4_MiB);
  advise_huge(nullptr, 4096);
  avoid_huge(p, 4_MiB);
  avoid_huge(nullptr, 4096);
  EXPECT_TRUE(all_zero(p, 4096));
  unmap(p, 4_MiB);
}

TEST_F(OsMemoryTest, NamesAreShownWhereTheKernelHasThemAndElseNothingHappens) {
  void* const p = map(kBytes);
  ASSERT_NE(p, nullptr);
  const int before = errno;
  name_memory(p, kBytes, "ashlar: test");
  EXPECT_EQ(errno, before);
  static_cast<char*>(p)[kBytes - 1] = 1;  // still mapped, and writable
  const bool has_names = prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, p, kBytes, "ashlar: test") == 0;
  std::ifstream maps("/proc/self/maps");
  const std::string text{std::istreambuf_iterator<char>(maps), {}};
  EXPECT_EQ(text.find("[anon:ashlar: test]") != text.npos, has_names);
  errno = before;  // what the test itself asked changed it
  unmap(p, kBytes);
}

}  // namespace
}  // namespace ashlar::os
