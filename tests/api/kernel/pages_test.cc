// Tests each function of ashlar/pages.h: success, failure and edges.
#include "ashlar/pages.h"

#include <gtest/gtest.h>
#include <stdint.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "ashlar/cache.h"
#include "ashlar/vmalloc.h"
#include "line.h"
#include "page/page.h"

namespace {

using ashlar_test::is_one_line_with;
using ashlar_test::lines_of;

struct ashlar_page_info info_of(const void* p) {
  struct ashlar_page_info info;
  EXPECT_EQ(ashlar_page_describe(p, &info), 0);
  return info;
}

TEST(Pages, EachOrderIsAlignedToItsSize) {
  for (unsigned order = 0; order <= ASHLAR_MAX_ORDER; ++order) {
    ashlar_page* const page = ashlar_alloc_pages(order, 0);
    ASSERT_NE(page, nullptr) << order;
    auto* const start = static_cast<char*>(ashlar_page_address(page));
    const size_t bytes = ASHLAR_PAGE_SIZE << order;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(start) % (bytes < (2u << 20) ? bytes : 2u << 20), 0u) << order;
    start[0] = start[bytes - 1] = 1;
    const struct ashlar_page_info info = info_of(start + bytes - 1);
    EXPECT_EQ(info.state, ASHLAR_PAGE_BLOCK);
    EXPECT_EQ(info.order, order);
    EXPECT_EQ(info.start, start);
    EXPECT_EQ(info.bytes, bytes);
    ashlar_free_pages(page, order);
    EXPECT_EQ(info_of(start).state, ASHLAR_PAGE_FREE) << order;
  }
}

TEST(Pages, ZeroGivesZeros) {
  for (int round = 0; round < 3; ++round) {
    ashlar_page* const page = ashlar_alloc_pages(3, ASHLAR_GFP_ZERO | ASHLAR_GFP_NORETRY);
    auto* const bytes = static_cast<unsigned char*>(ashlar_page_address(page));
    for (size_t i = 0; i < 8 * ASHLAR_PAGE_SIZE; ++i) ASSERT_EQ(bytes[i], 0) << i;
    memset(bytes, 0xff, 8 * ASHLAR_PAGE_SIZE);
    ashlar_free_pages(page, 3);
  }
}

TEST(Pages, DescriptorsAndAddressesLeadToEachOther) {
  ashlar_page* const page = ashlar_alloc_pages(4, 0);
  auto* const start = static_cast<char*>(ashlar_page_address(page));
  EXPECT_EQ(ashlar_virt_to_page(start), page);
  for (unsigned i = 0; i < 16; ++i) {
    ashlar_page* const one = ashlar_virt_to_page(start + i * ASHLAR_PAGE_SIZE + 100);
    EXPECT_EQ(ashlar_page_address(one), start + i * ASHLAR_PAGE_SIZE);
  }
  ashlar_free_pages(page, 4);
  int local = 0;
  EXPECT_EQ(ashlar_virt_to_page(&local), nullptr);
  EXPECT_EQ(ashlar_virt_to_page(nullptr), nullptr);
  EXPECT_EQ(ashlar_page_address(nullptr), nullptr);
  EXPECT_EQ(ashlar_page_address(reinterpret_cast<ashlar_page*>(reinterpret_cast<char*>(page) + 1)), nullptr);
}

TEST(Pages, ExactBlocksTakeNoMoreThanTheirPages) {
  for (const size_t size : {size_t{1}, ASHLAR_PAGE_SIZE, 5 * ASHLAR_PAGE_SIZE + 1, size_t{32} << 20}) {
    auto* const start = static_cast<char*>(ashlar_alloc_pages_exact(size, 0));
    ASSERT_NE(start, nullptr) << size;
    start[0] = start[size - 1] = 1;
    EXPECT_EQ(info_of(start).bytes, (size + ASHLAR_PAGE_SIZE - 1) / ASHLAR_PAGE_SIZE * ASHLAR_PAGE_SIZE);
    ashlar_free_pages_exact(start, size);
  }
  ashlar_free_pages_exact(nullptr, 1);
}

TEST(Pages, NodesAreChecked) {
  ashlar_page* const page = ashlar_alloc_pages_node(ASHLAR_NO_NODE, 0, 0);
  const int node = info_of(ashlar_page_address(page)).node;
  ashlar_free_pages(page, 0);
  ashlar_page* const there = ashlar_alloc_pages_node(node, 0, ASHLAR_GFP_THISNODE);
  EXPECT_NE(there, nullptr);
  ashlar_free_pages(there, 0);
  EXPECT_TRUE(is_one_line_with(lines_of([] { EXPECT_EQ(ashlar_alloc_pages_node(777, 0, 0), nullptr); }),
                               "ashlar_alloc_pages_node(): there is no node 777"));
  EXPECT_EQ(errno, EINVAL);
}

TEST(PagesMisuse, BadArgumentsGiveAnErrorAndALine) {
  const auto refused = [](auto call, const char* line) {
    errno = 0;
    EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(call(), nullptr); }), line));
    EXPECT_EQ(errno, EINVAL);
  };
  refused([] { return ashlar_alloc_pages(ASHLAR_MAX_ORDER + 1, 0); },
          "ashlar_alloc_pages(): the order is 14, expected 0 to 13");
  refused([] { return ashlar_alloc_pages(~0u, 0); }, "the order is 4294967295, expected 0 to 13");
  refused([] { return ashlar_alloc_pages(0, 0x80); },
          "unknown flags 0x80: expected ASHLAR_GFP_ZERO, THISNODE or NORETRY");
  refused([] { return ashlar_alloc_pages_exact(0, 0); },
          "ashlar_alloc_pages_exact(): the size is 0, expected 1 to 33554432 bytes");
  const volatile size_t huge = SIZE_MAX;  // volatile: the compiler warns of what it can see
  refused([&] { return ashlar_alloc_pages_exact(huge, 0); },
          "the size is 18446744073709551615, expected 1 to 33554432 bytes");
  refused([] { return ashlar_alloc_pages_exact(1, 0x80); },
          "unknown flags 0x80: expected ASHLAR_GFP_ZERO, THISNODE or NORETRY");
}

TEST(PagesMisuse, FreesThatDoNotFitAreRefusedAndLeaveTheBlock) {
  ashlar_page* const page = ashlar_alloc_pages(2, 0);
  auto* const start = static_cast<char*>(ashlar_page_address(page));
  const auto refused = [](auto call, const char* line) {
    errno = 0;
    EXPECT_TRUE(is_one_line_with(lines_of(call), line));
    EXPECT_EQ(errno, EINVAL);
  };
  refused([&] { ashlar_free_pages(page, 3); }, "has another size: nothing is freed");
  refused([&] { ashlar_free_pages(page, 99); }, "the order is 99, expected 0 to 13");
  refused([&] { ashlar_free_pages(ashlar_virt_to_page(start + ASHLAR_PAGE_SIZE), 0); },
          "is not the start of a block of pages");
  refused([&] { ashlar_free_pages(reinterpret_cast<ashlar_page*>(start), 2); }, "is not the descriptor of a page");
  refused([&] { ashlar_free_pages_exact(start + 8, 100); }, "is not the start of a block of pages");
  for (const size_t size : {size_t{0}, size_t{100}, SIZE_MAX, SIZE_MAX - 4094, SIZE_MAX - 4095, SIZE_MAX / 2 + 1}) {
    refused([&] { ashlar_free_pages_exact(start, size); }, "has another size: nothing is freed");
  }
  memset(start, 1, 4 * ASHLAR_PAGE_SIZE);
  EXPECT_EQ(info_of(start).state, ASHLAR_PAGE_BLOCK);
  errno = 77;
  ashlar_free_pages(page, 2);
  EXPECT_EQ(errno, 77);
  refused([&] { ashlar_free_pages(page, 2); }, "is not the start of a block of pages, or was freed before");
  ashlar_free_pages(nullptr, 2);
}

TEST(PagesMisuse, MallocsOwnBlocksAreNotTaken) {
  void* const run = ashlar_malloc(64 * ASHLAR_PAGE_SIZE);
  EXPECT_TRUE(is_one_line_with(lines_of([&] { ashlar_free_pages_exact(run, 64 * ASHLAR_PAGE_SIZE); }),
                               "is not the start of a block of pages"));
  memset(run, 1, 64 * ASHLAR_PAGE_SIZE);
  ashlar_free(run);
}

TEST(PageInfo, TellsWhatAnAddressIs) {
  void* const small = ashlar_malloc(100);
  struct ashlar_page_info info = info_of(small);
  EXPECT_EQ(info.state, ASHLAR_PAGE_SLAB);
  EXPECT_EQ(std::string(info.cache), "malloc-" + std::to_string(ashlar_malloc_usable_size(small)));
  EXPECT_EQ(info.object_size, ashlar_malloc_usable_size(small));
  EXPECT_GE(info.objects_taken, 1u);
  EXPECT_STREQ(info.zone, "Normal");
  ashlar_free(small);

  ashlar_cache* const cache = ashlar_cache_create("inode", 300, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  void* const object = ashlar_cache_alloc(cache);
  info = info_of(object);
  EXPECT_EQ(info.state, ASHLAR_PAGE_SLAB);
  EXPECT_STREQ(info.cache, "inode");
  EXPECT_EQ(info.object_size, 304u);
  ashlar_cache_free(cache, object);
  ashlar_cache_destroy(cache);

  void* const run = ashlar_malloc(100000);
  info = info_of(static_cast<char*>(run) + 50000);
  EXPECT_EQ(info.state, ASHLAR_PAGE_RUN);
  EXPECT_EQ(info.start, run);
  EXPECT_STREQ(info.cache, "");
  ashlar_free(run);

  void* const area = ashlar_vmalloc(100000);
  info = info_of(area);
  EXPECT_EQ(info.state, ASHLAR_PAGE_VMALLOC);
  EXPECT_EQ(info.start, area);
  EXPECT_EQ(info.node, -1);
  ashlar_vfree(area);

  int local = 0;
  EXPECT_EQ(ashlar_page_describe(&local, &info), -1);
  EXPECT_EQ(errno, ENOENT);
}

TEST(FreePages, AreBlocksByTheirAddresses) {
  void* const four = ashlar_get_free_pages(ASHLAR_GFP_ZERO, 2);
  ASSERT_NE(four, nullptr);
  for (size_t i = 0; i < 4 * ASHLAR_PAGE_SIZE; ++i) ASSERT_EQ(static_cast<char*>(four)[i], 0);
  memset(four, 1, 4 * ASHLAR_PAGE_SIZE);
  ashlar_free_pages(ashlar_virt_to_page(four), 2);
  void* const one = ashlar_get_zeroed_page(0);
  for (size_t i = 0; i < ASHLAR_PAGE_SIZE; ++i) ASSERT_EQ(static_cast<char*>(one)[i], 0);
  ashlar_free_pages_at(one, 0);
  ashlar_free_pages_at(nullptr, 0);
  ashlar_free_pages_at(ashlar_page_address(ashlar_alloc_pages(3, 0)), 3);
}

TEST(FreePages, MisuseGivesALine) {
  const auto refused = [](const char* line, auto call) {
    errno = 0;
    EXPECT_TRUE(is_one_line_with(lines_of(call), line));
    EXPECT_EQ(errno, EINVAL);
  };
  char* const block = static_cast<char*>(ashlar_get_free_pages(0, 1));
  refused("ashlar_get_free_pages(): the order is 14, expected 0 to 13",
          [] { EXPECT_EQ(ashlar_get_free_pages(0, 14), nullptr); });
  refused("ashlar_get_zeroed_page(): unknown flags", [] { EXPECT_EQ(ashlar_get_zeroed_page(0x80), nullptr); });
  refused("ashlar_free_pages_at(): the order is 14, expected 0 to 13", [&] { ashlar_free_pages_at(block, 14); });
  refused("is not the start of a block of pages", [&] { ashlar_free_pages_at(block + 8, 1); });
  refused("has another size: nothing is freed", [&] { ashlar_free_pages_at(block, 0); });
  ashlar_free_pages_at(block, 1);
  refused("is not the start of a block of pages, or was freed before", [&] { ashlar_free_pages_at(block, 1); });
}

TEST(PageReferences, TheLastOneFreesTheBlock) {
  ashlar_page* const page = ashlar_alloc_pages(2, 0);
  char* const start = static_cast<char*>(ashlar_page_address(page));
  ashlar_page* const third = ashlar_virt_to_page(start + 2 * ASHLAR_PAGE_SIZE);
  EXPECT_EQ(ashlar_page_count(page), 1u);
  EXPECT_EQ(ashlar_get_page(third), 0) << "any page of the block";
  EXPECT_EQ(ashlar_get_page(page), 0);
  EXPECT_EQ(ashlar_page_count(third), 3u);
  memset(start, 5, 4 * ASHLAR_PAGE_SIZE);
  errno = 5;
  ashlar_put_page(page);
  ashlar_free_pages(page, 2);  // ends a reference, as __free_pages
  EXPECT_EQ(errno, 5);
  EXPECT_EQ(ashlar_page_count(page), 1u);
  EXPECT_EQ(start[4 * ASHLAR_PAGE_SIZE - 1], 5) << "nobody cleared what is still held";
  ashlar_put_page(third);
  EXPECT_EQ(ashlar_page_count(page), 0u);
  ashlar_put_page(nullptr);
}

TEST(PageReferences, MisuseGivesALine) {
  ashlar_page* const page = ashlar_alloc_pages(0, 0);
  ashlar_put_page(page);
  void* const block = ashlar_malloc(100000);
  int local = 0;
  const auto refused = [](const char* line, auto call) {
    errno = 0;
    EXPECT_TRUE(is_one_line_with(lines_of(call), line));
    EXPECT_EQ(errno, EINVAL);
  };
  refused("is not in a block of pages, or was freed before", [&] { ashlar_put_page(page); });
  refused("is not in a block of pages, or was freed before", [&] { EXPECT_EQ(ashlar_get_page(page), -1); });
  if (ashlar_page* const of_block = ashlar_virt_to_page(block)) {  // a mapping of its own has none
    refused("ashlar_put_page()", [&] { ashlar_put_page(of_block); });
  }
  refused("is not the descriptor of a page", [&] { ashlar_put_page(reinterpret_cast<ashlar_page*>(&local)); });
  refused("is not the descriptor of a page", [&] { EXPECT_EQ(ashlar_get_page(nullptr), -1); });
  EXPECT_EQ(ashlar_page_count(ashlar_virt_to_page(block)), 0u);
  EXPECT_EQ(ashlar_page_count(nullptr), 0u);
  ashlar_free(block);
}

TEST(PageReferences, AreNotCountedBeyondTheirMaximum) {
  ashlar_page* const page = ashlar_alloc_pages(0, 0);
  auto& run = reinterpret_cast<ashlar::page::Page*>(page)->run;
  run.references = 2147483647;
  EXPECT_EQ(ashlar_get_page(page), 0);
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_get_page(page), -1); }), "has 2147483648 references"));
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(ashlar_page_count(page), 2147483648u);
  run.references = 1;
  ashlar_put_page(page);
}

TEST(PageReferences, ThreadsShareABlock) {
  ashlar_page* const page = ashlar_alloc_pages(1, 0);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(ashlar_get_page(page), 0);  // for the thread
    threads.emplace_back([page] {
      for (int n = 0; n < 5000; ++n) {
        ashlar_get_page(page);
        ashlar_put_page(page);
      }
      ashlar_put_page(page);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ashlar_page_count(page), 1u);
  ashlar_put_page(page);
  EXPECT_EQ(ashlar_page_count(page), 0u);
}

}  // namespace
