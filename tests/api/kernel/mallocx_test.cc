// Tests each function of ashlar/mallocx.h: success, failure and edges.
#include "ashlar/mallocx.h"

#include <gtest/gtest.h>
#include <stdint.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "ashlar/cache.h"
#include "base/options.h"
#include "line.h"

namespace {

using ashlar_test::is_one_line_with;
using ashlar_test::lines_of;

const volatile size_t too_large = SIZE_MAX;  // the compiler knows of none
constexpr size_t kSizes[] = {1, 16, 100, 1000, 5000, 40000, 300000, size_t{40} << 20};

bool all_zero(const void* block, size_t from, size_t to) {
  const auto* const p = static_cast<const unsigned char*>(block);
  return std::all_of(p + from, p + std::max(from, to), [](unsigned char byte) { return byte == 0; });
}

void leave_dirt(size_t size) {
  void* blocks[20];
  for (void*& block : blocks) {
    block = ashlar_malloc(size);
    memset(block, 0xaa, ashlar_malloc_usable_size(block));
  }
  for (void* const block : blocks) ashlar_free(block);
}

TEST(Mallocx, AlignsAndZeros) {
  for (const size_t size : kSizes) {
    if (size <= 300000) leave_dirt(size);
    for (unsigned la = 0; la <= 21; la += size > 1000000 ? 12 : 3) {
      const size_t align = size_t{1} << la;
      void* const block = ashlar_mallocx(size, ASHLAR_X_LG_ALIGN(la) | ASHLAR_X_ZERO);
      ASSERT_NE(block, nullptr) << size;
      EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % std::max<size_t>(align, 16), 0u);
      EXPECT_TRUE(all_zero(block, 0, ashlar_sallocx(block, 0))) << size << " at " << align;
      EXPECT_GE(ashlar_sallocx(block, 0), size);
      EXPECT_EQ(ASHLAR_X_ALIGN(align), la);
      memset(block, 1, size);
      la % 2 == 0 ? ashlar_dallocx(block, 0) : ashlar_sdallocx(block, size, ASHLAR_X_ALIGN(align));
    }
  }
  void* const none = ashlar_mallocx(0, 0);
  EXPECT_NE(none, nullptr);
  ashlar_dallocx(none, 0);
  ashlar_dallocx(nullptr, 0);
  ashlar_sdallocx(nullptr, 0, 0);
  errno = 0;
  EXPECT_EQ(ashlar_mallocx(too_large, ASHLAR_X_ZERO), nullptr);
  EXPECT_EQ(errno, ENOMEM);
}

TEST(Mallocx, RefusesUnknownFlags) {
  void* const block = ashlar_mallocx(100, 0);
  const auto refused = [](const char* name, auto call) {
    errno = 0;
    EXPECT_TRUE(is_one_line_with(lines_of(call), std::string(name) + ": unknown flags"));
    EXPECT_EQ(errno, EINVAL);
  };
  refused("ashlar_mallocx()", [] { EXPECT_EQ(ashlar_mallocx(8, 0x80), nullptr); });
  refused("ashlar_mallocx()", [] { EXPECT_EQ(ashlar_mallocx(8, 63), nullptr); });
  refused("ashlar_rallocx()", [&] { EXPECT_EQ(ashlar_rallocx(block, 8, 0x100), nullptr); });
  refused("ashlar_xallocx()", [&] { EXPECT_EQ(ashlar_xallocx(block, 8, 0, 0x80), 0u); });
  refused("ashlar_sallocx()", [&] { EXPECT_EQ(ashlar_sallocx(block, 0x80), 0u); });
  refused("ashlar_dallocx()", [&] { ashlar_dallocx(block, 0x80); });
  refused("ashlar_sdallocx()", [&] { ashlar_sdallocx(block, 100, 0x80); });
  refused("ashlar_nallocx()", [] { EXPECT_EQ(ashlar_nallocx(8, 0x80), 0u); });
  errno = 0;
  EXPECT_TRUE(is_one_line_with(lines_of([] { EXPECT_EQ(ashlar_xallocx(nullptr, 8, 0, 0), 0u); }),
                               "the block must not be NULL"));
  EXPECT_EQ(errno, EINVAL);
  ashlar_sdallocx(block, 100, 0);
}

TEST(Rallocx, KeepsContentsAndAlignmentAndZeros) {
  for (const size_t size : {100, 5000, 40000}) leave_dirt(size);
  for (const unsigned align : {1U, 64U, 4096U}) {
    const unsigned flags = ASHLAR_X_ALIGN(align) | ASHLAR_X_ZERO;
    auto* block = static_cast<unsigned char*>(ashlar_rallocx(nullptr, 10, flags));
    memset(block, 7, 10);
    for (const size_t size : {200, 5000, 40000, 1000000, 300, 30, 31}) {
      const size_t usable = ashlar_sallocx(block, 0);
      block = static_cast<unsigned char*>(ashlar_rallocx(block, size, flags));
      ASSERT_NE(block, nullptr);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % align, 0u);
      EXPECT_EQ(std::count(block, block + 10, 7), 10);
      EXPECT_TRUE(all_zero(block, std::min<size_t>(usable, size), ashlar_sallocx(block, 0))) << size;
    }
    errno = 0;
    EXPECT_EQ(ashlar_rallocx(block, too_large, flags), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    EXPECT_EQ(block[9], 7) << "the block is as before";
    block = static_cast<unsigned char*>(ashlar_rallocx(block, 0, flags));
    ASSERT_NE(block, nullptr) << "it never frees";
    ashlar_dallocx(block, flags);
  }
}

TEST(Rallocx, ZerosWhatABlockMayGrowTo) {
  for (const size_t size : {100, 5000}) {
    for (const unsigned align : {1U, 64U, 4096U}) {
      leave_dirt(size);
      const unsigned flags = ASHLAR_X_ALIGN(align) | ASHLAR_X_ZERO;
      void* block = ashlar_mallocx(size, flags);
      memset(block, 1, size);
      block = ashlar_rallocx(block, size * 3, flags);
      ASSERT_NE(block, nullptr);
      EXPECT_TRUE(all_zero(block, size, ashlar_sallocx(block, 0))) << size << " at " << align;
      ashlar_dallocx(block, flags);
    }
  }
}

TEST(Rallocx, AnAlignedBlockThatShrinksHasItsNewSize) {
  for (const size_t size : {100, 1000, 20000}) {
    void* block = ashlar_mallocx(size, ASHLAR_X_ALIGN(64));
    memset(block, 1, size);
    block = ashlar_rallocx(block, size - size / 4, ASHLAR_X_ALIGN(64));
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(lines_of([&] { ashlar_sdallocx(block, size - size / 4, ASHLAR_X_ALIGN(64)); }), "") << size;
  }
}

TEST(HeapMallocx, AlignsAndZerosBlocksOfTheHeap) {
  ashlar_heap* const heap = ashlar_heap_create("flags", 0);
  for (const size_t size : kSizes) {
    if (size <= 300000) {
      void* const dirty = ashlar_heap_malloc(heap, size);
      memset(dirty, 0xaa, size);
      ashlar_heap_free(heap, dirty);
    }
    for (const unsigned la : {0u, 4u, 6u, 12u, 21u}) {
      void* const block = ashlar_heap_mallocx(heap, size, ASHLAR_X_LG_ALIGN(la) | ASHLAR_X_ZERO);
      ASSERT_NE(block, nullptr) << size << " at " << la;
      EXPECT_EQ(ashlar_heap_of(block), heap);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % std::max<size_t>(size_t{1} << la, 16), 0u);
      EXPECT_TRUE(all_zero(block, 0, ashlar_sallocx(block, 0))) << size << " at " << la;
      memset(block, 1, size);
      la % 2 == 0 ? ashlar_dallocx(block, 0) : ashlar_heap_free(heap, block);
    }
  }
  EXPECT_NE(ashlar_heap_mallocx(heap, 0, 0), nullptr);
  errno = 0;
  EXPECT_EQ(ashlar_heap_mallocx(heap, too_large, 0), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_EQ(ashlar_heap_destroy(heap), 0);
  EXPECT_EQ(ashlar_validate(), 0);
}

TEST(HeapRallocx, KeepsContentsAlignmentAndHeap) {
  ashlar_heap* const heap = ashlar_heap_create("flags", 0);
  for (const bool by_heap : {true, false}) {
    constexpr unsigned kFlags = ASHLAR_X_LG_ALIGN(7) | ASHLAR_X_ZERO;
    auto* block = static_cast<unsigned char*>(ashlar_heap_rallocx(heap, nullptr, 100, kFlags));
    ASSERT_NE(block, nullptr);
    memset(block, 7, 100);
    for (size_t size = 100; size < 3000000; size = 3 * size + 1) {
      block = static_cast<unsigned char*>(by_heap ? ashlar_heap_rallocx(heap, block, size, kFlags)
                                                  : ashlar_rallocx(block, size, kFlags));
      ASSERT_NE(block, nullptr) << size;
      EXPECT_EQ(ashlar_heap_of(block), heap) << size;
      EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % 128, 0u);
      EXPECT_TRUE(block[0] == 7 && block[99] == 7 && all_zero(block, 100, ashlar_sallocx(block, 0))) << size;
    }
    block = static_cast<unsigned char*>(ashlar_heap_rallocx(heap, block, 50, 0));
    EXPECT_TRUE(block != nullptr && block[49] == 7 && ashlar_heap_of(block) == heap);
    EXPECT_EQ(ashlar_heap_rallocx(heap, block, too_large, 0), nullptr);
  }
  EXPECT_EQ(ashlar_heap_destroy(heap), 0);
  EXPECT_EQ(ashlar_validate(), 0);
}

TEST(HeapMallocx, MisuseGivesALine) {
  ashlar_heap *const heap = ashlar_heap_create("flags", 0), *const other = ashlar_heap_create("other", 0);
  void* const block = ashlar_heap_mallocx(other, 100, 0);
  const auto refused = [](const char* line, auto call) {
    errno = 0;
    EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(call(), nullptr); }), line));
    EXPECT_EQ(errno, EINVAL);
  };
  refused("ashlar_heap_mallocx(): the heap must not be NULL", [] { return ashlar_heap_mallocx(nullptr, 1, 0); });
  refused("ashlar_heap_mallocx(): unknown flags 0x80", [&] { return ashlar_heap_mallocx(heap, 1, 0x80); });
  refused("ashlar_heap_rallocx(): unknown flags 0x100", [&] { return ashlar_heap_rallocx(other, block, 1, 0x100); });
  refused("is not a block of the heap \"flags\", but of \"other\"",
          [&] { return ashlar_heap_rallocx(heap, block, 1, 0); });
  EXPECT_EQ(ashlar_heap_destroy(heap), 0);
  EXPECT_EQ(ashlar_heap_destroy(other), 0);
  refused("ashlar_heap_mallocx()", [&] { return ashlar_heap_mallocx(heap, 1, 0); });
}

TEST(Xallocx, StaysWhereItIs) {
  void* const small = ashlar_mallocx(100, 0);
  const size_t usable = ashlar_sallocx(small, 0);
  EXPECT_EQ(ashlar_xallocx(small, 50, 0, 0), usable);
  EXPECT_EQ(ashlar_xallocx(small, 100000, 0, 0), usable) << "there is no room";
  EXPECT_EQ(ashlar_xallocx(small, too_large, too_large, 0), usable);
  ashlar_dallocx(small, 0);
}

TEST(Xallocx, GrowsBlocksOfPagesIntoWhatIsFree) {
  auto* const block = static_cast<char*>(ashlar_mallocx(200000, 0));
  memset(block, 1, 200000);
  size_t usable = ashlar_sallocx(block, 0);
  const size_t shrunk = ashlar_xallocx(block, 110000, 0, 0);
  EXPECT_GE(shrunk, 110000u);
  EXPECT_LE(shrunk, usable);
  const size_t grown = ashlar_xallocx(block, 150000, 40000, ASHLAR_X_ZERO);
  if (shrunk < usable) {  // else blocks are checked, and stay as they are
    EXPECT_GE(grown, 150000u) << "into what it had before";
    EXPECT_TRUE(all_zero(block, shrunk, grown));
  }
  EXPECT_EQ(std::count(block, block + 110000, 1), 110000);
  usable = ashlar_sallocx(block, 0);
  EXPECT_EQ(usable, grown);
  memset(block, 2, usable);
  ashlar_dallocx(block, 0);
}

TEST(Xallocx, TakesExtraBytesWhereTheSizeIsThereAlready) {
  void* const block = ashlar_mallocx(200000, 0);
  const size_t had = ashlar_sallocx(block, 0);
  const size_t shrunk = ashlar_xallocx(block, 110000, 0, 0);
  const size_t grown = ashlar_xallocx(block, 100000, 50000, 0);
  if (shrunk < had) {  // else blocks are checked
    EXPECT_GE(grown, 150000U) << "into what it had before";
  }
  EXPECT_EQ(ashlar_sallocx(block, 0), grown);
  EXPECT_EQ(ashlar_xallocx(block, 100000, too_large, 0), grown) << "there is no room";
  ashlar_dallocx(block, 0);
}

TEST(Nallocx, TellsWhatABlockTakes) {
  for (size_t size = 1; size <= 400000; size += size / 3 + 1) {
    for (const unsigned align : {1U, 64U, 512U, 8192U}) {
      const size_t good = ashlar_nallocx(size, ASHLAR_X_ALIGN(align));
      EXPECT_GE(good, size);
      EXPECT_EQ(ashlar_nallocx(good, ASHLAR_X_ALIGN(align)), good) << "a good size is one";
      void* const one = ashlar_mallocx(size, ASHLAR_X_ALIGN(align));
      void* const two = ashlar_mallocx(good, ASHLAR_X_ALIGN(align));
      EXPECT_GE(ashlar_sallocx(two, 0), good);
      if (align == 1 && ashlar::options.slab_debug == 0 && ashlar::options.harden == 0) {
        EXPECT_EQ(ashlar_sallocx(one, 0), ashlar_sallocx(two, 0)) << size << " takes no less than " << good;
      }
      ashlar_dallocx(one, 0);
      ashlar_dallocx(two, 0);
    }
  }
  EXPECT_EQ(ashlar_good_size(100), ashlar_nallocx(100, 0));
  EXPECT_EQ(ashlar_good_size(0), 0u);
  EXPECT_EQ(ashlar_good_size(too_large), 0u);
}

TEST(ThreadFlush, LeavesNoFreeObjectsWithTheThread) {
  ashlar_cache* const cache = ashlar_cache_create("flushed", 64, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  void* objects[100];
  for (void*& object : objects) object = ashlar_cache_alloc(cache);
  for (void* const object : objects) ashlar_cache_free(cache, object);
  errno = 5;
  ashlar_thread_flush();
  EXPECT_EQ(errno, 5);
  ashlar_cache_stats stats;
  ASSERT_EQ(ashlar_cache_snapshot(cache, &stats), 0);
  EXPECT_EQ(stats.magazines, 0u);
  EXPECT_EQ(stats.live, 0u);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
  struct ashlar_stats all;
  for (void*& object : objects) object = ashlar_malloc(100);
  for (void* const object : objects) ashlar_free(object);
  ashlar_thread_flush();
  ASSERT_EQ(ashlar_stats_snapshot(&all, sizeof all), 0);
  EXPECT_EQ(all.magazines, 0u);
}

}  // namespace
