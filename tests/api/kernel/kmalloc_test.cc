// Tests each function of ashlar/kmalloc.h: success, failure and edges.
#include "ashlar/kmalloc.h"

#include <gtest/gtest.h>
#include <stdint.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "ashlar/cache.h"
#include "ashlar/vmalloc.h"
#include "line.h"

namespace {

using ashlar_test::is_one_line_with;
using ashlar_test::lines_of;

bool all_zero(const void* block, size_t bytes) {
  const auto* const p = static_cast<const unsigned char*>(block);
  return std::all_of(p, p + bytes, [](unsigned char byte) { return byte == 0; });
}

const volatile size_t too_large = SIZE_MAX;  // the compiler knows of none

constexpr size_t kSizes[] = {0, 1, 17, 100, 1000, 4096, 5000, 40000, 300000, size_t{40} << 20};

// Blocks whose bytes are not zero, freed, so that they are used again.
void leave_dirt(size_t size) {
  void* blocks[20];
  for (void*& block : blocks) {
    block = ashlar_malloc(size);
    memset(block, 0xaa, size);
  }
  for (void* const block : blocks) ashlar_free(block);
}

TEST(Kmalloc, GivesBlocksOfMallocs) {
  for (const size_t size : kSizes) {
    void* const block = ashlar_kmalloc(size, ASHLAR_GFP_KERNEL);
    ASSERT_NE(block, nullptr) << size;
    EXPECT_GE(ashlar_ksize(block), size);
    EXPECT_EQ(ashlar_ksize(block), ashlar_malloc_usable_size(block));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % 16, 0u);
    memset(block, 1, size);
    ashlar_kfree(block);
  }
  EXPECT_EQ(ashlar_ksize(nullptr), 0u);
  errno = 0;
  EXPECT_EQ(ashlar_kmalloc(too_large, 0), nullptr);
  EXPECT_EQ(errno, ENOMEM);
}

TEST(Kmalloc, ZerosAllThatKsizeCounts) {
  for (const size_t size : kSizes) {
    if (size <= 300000) leave_dirt(size);
    for (void* const block : {ashlar_kzalloc(size, 0), ashlar_kmalloc(size, ASHLAR_GFP_ZERO)}) {
      ASSERT_NE(block, nullptr);
      EXPECT_TRUE(all_zero(block, ashlar_ksize(block))) << size;
      ashlar_kfree(block);
    }
  }
}

TEST(Kmalloc, RefusesFlagsThatItDoesNotKnow) {
  void* const kept = ashlar_kmalloc(100, 0);
  const auto refused = [](const char* name, const char* flags, auto call) {
    errno = 0;
    EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(call(), nullptr); }),
                                 std::string(name) + ": unknown flags " + flags + ": expected ASHLAR_GFP_ZERO"));
    EXPECT_EQ(errno, EINVAL);
  };
  refused("ashlar_kmalloc()", "0x8", [] { return ashlar_kmalloc(8, ASHLAR_GFP_WAIT); });
  refused("ashlar_kzalloc()", "0x2", [] { return ashlar_kzalloc(8, ASHLAR_GFP_THISNODE); });
  refused("ashlar_krealloc()", "0x80", [&] { return ashlar_krealloc(kept, 200, 0x80); });
  refused("ashlar_kvmalloc()", "0x4", [] { return ashlar_kvmalloc(8, ASHLAR_GFP_NORETRY); });
  refused("ashlar_kvzalloc()", "0x80", [] { return ashlar_kvzalloc(8, 0x80); });
  ashlar_kfree(kept);
}

TEST(Krealloc, KeepsTheContents) {
  auto* block = static_cast<unsigned char*>(ashlar_krealloc(nullptr, 10, 0));
  memset(block, 7, 10);
  for (const size_t size : {100, 5000, 40000, 1000000, 30, 10}) {
    block = static_cast<unsigned char*>(ashlar_krealloc(block, size, 0));
    ASSERT_NE(block, nullptr);
    for (int i = 0; i < 10; ++i) ASSERT_EQ(block[i], 7) << size;
  }
  errno = 0;
  EXPECT_EQ(ashlar_krealloc(block, too_large, ASHLAR_GFP_ZERO), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_EQ(block[9], 7) << "the block is as before";
  errno = 5;
  EXPECT_EQ(ashlar_krealloc(block, 0, 0), nullptr);
  EXPECT_EQ(errno, 5);
}

TEST(Krealloc, ZerosWhatABlockGains) {
  for (const size_t size : {10, 100, 5000, 40000}) leave_dirt(size);
  auto* block = static_cast<unsigned char*>(ashlar_kzalloc(10, 0));
  size_t filled = 10;
  memset(block, 7, filled);
  for (const size_t size : {12, 16, 100, 40, 44, 5000, 4000, 4090, 40000, 41000, 100000, 300, 301, 100}) {
    block = static_cast<unsigned char*>(ashlar_krealloc(block, size, ASHLAR_GFP_ZERO));
    ASSERT_NE(block, nullptr);
    const size_t kept = std::min(filled, size);
    for (size_t i = 0; i < kept; ++i) ASSERT_EQ(block[i], 7) << i << " of " << size;
    ASSERT_TRUE(all_zero(block + kept, size - kept)) << size << " bytes, " << kept << " kept";
    memset(block, 7, size);
    filled = size;
  }
  ashlar_kfree(block);
}

TEST(Kvmalloc, GivesBlocksOfAnySize) {
  for (const size_t size : kSizes) {
    void* const plain = ashlar_kvmalloc(size, 0);
    void* const zeroed = ashlar_kvzalloc(size, ASHLAR_GFP_KERNEL);
    ASSERT_NE(plain, nullptr);
    ASSERT_NE(zeroed, nullptr);
    memset(plain, 1, size);
    EXPECT_TRUE(all_zero(zeroed, size));
    ashlar_kvfree(plain);
    ashlar_kvfree(zeroed);
  }
  ashlar_kvfree(nullptr);
  errno = 0;
  EXPECT_EQ(ashlar_kvmalloc(SIZE_MAX / 2, 0), nullptr);
  EXPECT_EQ(errno, ENOMEM);
}

TEST(Kvfree, TakesAreasAndObjects) {
  ashlar_kvfree(ashlar_vmalloc(10000));
  ashlar_cache* const cache = ashlar_cache_create("kvfree", 40, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  errno = 5;
  ashlar_kvfree(ashlar_cache_alloc(cache));
  ashlar_kfree(ashlar_cache_alloc(cache));
  EXPECT_EQ(errno, 5);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

}  // namespace
