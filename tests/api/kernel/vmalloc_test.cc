// Tests each function of ashlar/vmalloc.h: success, failure and edges.
#include "ashlar/vmalloc.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdint.h>

#include <cerrno>
#include <cstring>

#include "../../support/modes.h"
#include "line.h"

namespace {

using ashlar_test::is_one_line_with;
using ashlar_test::lines_of;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

TEST(Vmalloc, GivesZeroedWholePages) {
  for (auto* const allocate : {ashlar_vmalloc, ashlar_vzalloc}) {
    for (const size_t size : {size_t{1}, size_t{4096}, size_t{100000}, size_t{64} << 20}) {
      auto* const area = static_cast<unsigned char*>(allocate(size));
      ASSERT_NE(area, nullptr);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(area) % 4096, 0u);
      for (size_t i = 0; i < size; i += 4001) ASSERT_EQ(area[i], 0);
      area[0] = area[size - 1] = 1;
      EXPECT_GE(ashlar_malloc_usable_size(area), size);
      ashlar_vfree(area);
    }
  }
  ashlar_vfree(nullptr);
}

TEST(VmallocDeathTest, AGuardPageLiesBehindEachArea) {
  auto* area = static_cast<volatile char*>(ashlar_vmalloc(3 * 4096));
  asm volatile("" : "+r"(area));  // the compiler, and UBSan through it, may not know where the area ends
  area[3 * 4096 - 1] = 1;
  const volatile size_t behind = 3 * 4096;  // volatile: the compiler warns of what it can see
  // a sanitizer makes a report and an exit code of its own of the fault
  const auto faulted = [](int status) { return kSanitized ? status != 0 : testing::KilledBySignal(SIGSEGV)(status); };
  EXPECT_EXIT(area[behind] = 1, faulted, kSanitized ? "SEGV" : "");
  ashlar_vfree(const_cast<char*>(area));
}

TEST(Vmalloc, ReallocKeepsTheContentsAndAddsZeros) {
  auto* area = static_cast<char*>(ashlar_vrealloc(nullptr, 3 * 4096, 0));
  memset(area, 5, 3 * 4096);
  area = static_cast<char*>(ashlar_vrealloc(area, 500 * 4096, ASHLAR_GFP_ZERO));
  ASSERT_NE(area, nullptr);
  for (size_t i = 0; i < 3 * 4096; ++i) ASSERT_EQ(area[i], 5);
  for (size_t i = 3 * 4096; i < 500 * 4096; ++i) ASSERT_EQ(area[i], 0);
  area = static_cast<char*>(ashlar_vrealloc(area, 4096, 0));
  ASSERT_NE(area, nullptr);
  for (size_t i = 0; i < 4096; ++i) ASSERT_EQ(area[i], 5);
  EXPECT_EQ(ashlar_is_vmalloc_addr(area + 4095), 1);
  EXPECT_EQ(ashlar_vrealloc(area, 0, 0), nullptr);
  EXPECT_EQ(ashlar_is_vmalloc_addr(area), 0);
}

TEST(Vmalloc, AddressesAreTold) {
  auto* const area = static_cast<char*>(ashlar_vmalloc(10000));
  int local = 0;
  EXPECT_EQ(ashlar_is_vmalloc_addr(area), 1);
  EXPECT_EQ(ashlar_is_vmalloc_addr(area + 9999), 1);
  const uintptr_t guard = reinterpret_cast<uintptr_t>(area) + 3 * 4096;
  EXPECT_EQ(ashlar_is_vmalloc_addr(reinterpret_cast<void*>(guard)), 0) << "the guard is no part of it";
  EXPECT_EQ(ashlar_is_vmalloc_addr(&local), 0);
  EXPECT_EQ(ashlar_is_vmalloc_addr(nullptr), 0);
  void* const small = ashlar_malloc(10);
  if (!ashlar_test::blocks_are_checked()) {
    EXPECT_EQ(ashlar_is_vmalloc_addr(small), 0) << "checked blocks lie in areas of their own";
  }
  ashlar_free(small);
  ashlar_vfree(area);
}

TEST(Vmalloc, AreasMayGoToFree) { ashlar_free(ashlar_vmalloc(10000)); }

TEST(VmallocMisuse, BadArgumentsGiveAnErrorAndALine) {
  const auto refused = [](auto call, const char* line) {
    errno = 0;
    EXPECT_TRUE(is_one_line_with(lines_of(call), line));
    EXPECT_EQ(errno, EINVAL);
  };
  refused([] { EXPECT_EQ(ashlar_vmalloc(0), nullptr); }, "ashlar_vmalloc(): the size is 0");
  refused([] { EXPECT_EQ(ashlar_vzalloc(0), nullptr); }, "ashlar_vzalloc(): the size is 0");
  refused([] { EXPECT_EQ(ashlar_vrealloc(nullptr, 1, 0x80), nullptr); },
          "ashlar_vrealloc(): unknown flags 0x80: expected ASHLAR_GFP_ZERO");
  char* const small = static_cast<char*>(ashlar_malloc(100));
  char* const area = static_cast<char*>(ashlar_vmalloc(10000));
  refused([&] { ashlar_vfree(small); }, "ashlar_vfree(): 0x");
  refused([&] { ashlar_vfree(area + 4096); }, "is not the start of an area");
  refused([&] { EXPECT_EQ(ashlar_vrealloc(small, 10000, 0), nullptr); }, "is not the start of an area");
  errno = 77;
  ashlar_vfree(area);
  EXPECT_EQ(errno, 77);
  refused([&] { ashlar_vfree(area); }, "is not the start of an area, or was freed before");
  ashlar_free(small);
}

TEST(VmallocMisuse, TooMuchIsNoMemory) {
  const volatile size_t huge = SIZE_MAX;  // volatile: the compiler warns of what it can see
  errno = 0;
  EXPECT_EQ(ashlar_vmalloc(huge), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  errno = 0;
  EXPECT_EQ(ashlar_vmalloc(size_t{1} << 47), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  void* const area = ashlar_vmalloc(10000);
  errno = 0;
  EXPECT_EQ(ashlar_vrealloc(area, huge, 0), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_EQ(ashlar_is_vmalloc_addr(area), 1) << "it is as before";
  ashlar_vfree(area);
}

}  // namespace
