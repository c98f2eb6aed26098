// Tests that the reserve of ashlar/mempool.h is always available, also when there is no memory.
#include "ashlar/mempool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "line.h"
#include "support/emulated.h"

namespace {

using ashlar_test::is_one_line_with;
using ashlar_test::lines_of;

// An allocator with a number of elements left.
struct Source {
  std::atomic<int> left{1 << 30};
  std::atomic<int> live{0};
};
void* make(void* data) {
  auto* const source = static_cast<Source*>(data);
  if (source->left.fetch_sub(1) <= 0) {
    source->left.fetch_add(1);
    return nullptr;
  }
  source->live.fetch_add(1);
  return ashlar_malloc(64);
}
void end(void* element, void* data) {
  static_cast<Source*>(data)->live.fetch_sub(1);
  ashlar_free(element);
}

TEST(Mempool, TakesFromTheAllocatorFirstAndThenFromTheReserve) {
  Source source;
  ashlar_mempool* const pool = ashlar_mempool_create(5, make, end, &source);
  ASSERT_NE(pool, nullptr);
  EXPECT_EQ(source.live, 5);
  void* const usual = ashlar_mempool_alloc(pool, 0);
  EXPECT_EQ(source.live, 6);
  source.left = 0;
  std::set<void*> reserve;
  for (int i = 0; i < 5; ++i) reserve.insert(ashlar_mempool_alloc(pool, 0));
  EXPECT_EQ(reserve.size(), 5u);
  EXPECT_EQ(reserve.count(nullptr), 0u);
  errno = 0;
  EXPECT_EQ(ashlar_mempool_alloc(pool, 0), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  ashlar_mempool_free(usual, pool);
  EXPECT_EQ(source.live, 6) << "what is freed fills the reserve first";
  EXPECT_EQ(ashlar_mempool_alloc(pool, 0), usual);
  ashlar_mempool_free(usual, pool);
  for (void* const element : reserve) ashlar_mempool_free(element, pool);
  EXPECT_EQ(source.live, 5) << "the reserve is full, the sixth went to the allocator";
  ashlar_mempool_free(nullptr, pool);
  ashlar_mempool_destroy(pool);
  EXPECT_EQ(source.live, 0);
}

TEST(Mempool, CreateFailsWhereTheReserveCannotBeFilled) {
  Source source;
  source.left = 3;
  errno = 0;
  EXPECT_EQ(ashlar_mempool_create(4, make, end, &source), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_EQ(source.live, 0);
}

TEST(Mempool, ResizeGrowsAndShrinksTheReserve) {
  Source source;
  ashlar_mempool* const pool = ashlar_mempool_create(2, make, end, &source);
  EXPECT_EQ(ashlar_mempool_resize(pool, 100), 0);
  EXPECT_EQ(source.live, 100);
  EXPECT_EQ(ashlar_mempool_resize(pool, 10), 0);
  EXPECT_EQ(source.live, 10);
  source.left = 5;
  errno = 0;
  EXPECT_EQ(ashlar_mempool_resize(pool, 20), -1);
  EXPECT_EQ(errno, ENOMEM);
  for (int i = 0; i < 15; ++i) {
    void* const element = ashlar_mempool_alloc(pool, 0);
    ASSERT_NE(element, nullptr) << "the reserve is as full as could be";
    end(element, &source);
  }
  ashlar_mempool_destroy(pool);
  EXPECT_EQ(source.live, 0);
}

TEST(Mempool, WaitsUntilAnElementComesBack) {
  Source source;
  ashlar_mempool* const pool = ashlar_mempool_create(1, make, end, &source);
  source.left = 0;
  void* const only = ashlar_mempool_alloc(pool, 0);
  std::thread other([&] {
    usleep(50000);
    ashlar_mempool_free(only, pool);
  });
  EXPECT_EQ(ashlar_mempool_alloc(pool, ASHLAR_GFP_WAIT), only);
  other.join();
  ashlar_mempool_free(only, pool);
  ashlar_mempool_destroy(pool);
}

TEST(Mempool, ThreadsShareAReserveThatIsTooSmallForAll) {
  Source source;
  ashlar_mempool* const pool = ashlar_mempool_create(2, make, end, &source);
  source.left = 0;
  std::atomic<int> held{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 2000; ++round) {
        void* const element = ashlar_mempool_alloc(pool, ASHLAR_GFP_WAIT);
        ASSERT_NE(element, nullptr);
        EXPECT_LE(held.fetch_add(1) + 1, 2);
        held.fetch_sub(1);
        ashlar_mempool_free(element, pool);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ashlar_mempool_destroy(pool);
  EXPECT_EQ(source.live, 0);
}

TEST(Mempool, PoolsOfCachesBlocksAndPages) {
  ashlar_cache* const cache = ashlar_cache_create("pooled", 100, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  ashlar_mempool* const pools[] = {ashlar_mempool_create_slab_pool(4, cache),
                                   ashlar_mempool_create_kmalloc_pool(4, 1000), ashlar_mempool_create_page_pool(4, 2)};
  const size_t sizes[] = {100, 1000, 4 * ASHLAR_PAGE_SIZE};
  for (int i = 0; i < 3; ++i) {
    ASSERT_NE(pools[i], nullptr);
    void* const element = ashlar_mempool_alloc(pools[i], 0);
    ASSERT_NE(element, nullptr);
    memset(element, 1, sizes[i]);
    ashlar_mempool_free(element, pools[i]);
    ashlar_mempool_destroy(pools[i]);
  }
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

// Whether or not the cache shares its slabs with another one.
TEST(Mempool, ACacheCannotBeDestroyedUnderItsPools) {
  ashlar_cache* const cache = ashlar_cache_create("drawn_from", 100, 0, 0, nullptr);
  ashlar_cache* const alike = ashlar_cache_create("drawn_from_2", 100, 0, 0, nullptr);
  ashlar_mempool* const pools[] = {ashlar_mempool_create_slab_pool(7, cache),
                                   ashlar_mempool_create_slab_pool(8, cache)};
  for (int left = 2; left > 0; --left) {
    errno = 0;
    EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_cache_destroy(cache), -1); }),
                                 std::string("ashlar_cache_destroy(\"drawn_from\"): ") +
                                     (left == 2 ? "2 memory pools take" : "1 memory pool takes") +
                                     " elements from it"));
    EXPECT_EQ(errno, EBUSY);
    ashlar_mempool_destroy(pools[left - 1]);
  }
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
  errno = 0;
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_mempool_create_slab_pool(1, cache), nullptr); }),
                               "ashlar_mempool_create_slab_pool(): 0x"));
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(ashlar_cache_destroy(alike), 0);
}

TEST(MempoolMisuse, BadArgumentsGiveAnErrorAndALine) {
  Source source;
  const auto refused = [](auto call, const char* line) {
    errno = 0;
    EXPECT_TRUE(is_one_line_with(lines_of(call), line));
    EXPECT_EQ(errno, EINVAL);
  };
  const char* const number = ", expected 1 to 16777216";
  refused([&] { EXPECT_EQ(ashlar_mempool_create(0, make, end, &source), nullptr); }, number);
  refused([&] { EXPECT_EQ(ashlar_mempool_create(-1, make, end, &source), nullptr); }, number);
  refused([&] { EXPECT_EQ(ashlar_mempool_create(1, nullptr, end, &source), nullptr); },
          "the functions that allocate and free elements must not be NULL");
  refused([&] { EXPECT_EQ(ashlar_mempool_create_slab_pool(1, nullptr), nullptr); }, "the cache must not be NULL");
  refused([&] { EXPECT_EQ(ashlar_mempool_create_page_pool(1, 14), nullptr); }, "the order is 14, expected 0 to 13");
  refused([&] { EXPECT_EQ(ashlar_mempool_alloc(nullptr, 0), nullptr); }, "the pool must not be NULL");
  ashlar_mempool* const pool = ashlar_mempool_create(1, make, end, &source);
  refused([&] { EXPECT_EQ(ashlar_mempool_alloc(pool, 0x80), nullptr); },
          "unknown flags 0x80: expected ASHLAR_GFP_WAIT");
  refused([&] { EXPECT_EQ(ashlar_mempool_resize(pool, 0), -1); }, number);
  refused([&] { ashlar_mempool_free(&source, nullptr); }, "the pool must not be NULL");
  ashlar_mempool_destroy(pool);
  ashlar_mempool_destroy(nullptr);
}

TEST(MempoolMisuse, ADestroyedPoolIsRefused) {
  Source source;
  ashlar_mempool* const pool = ashlar_mempool_create(1, make, end, &source);
  ashlar_mempool_destroy(pool);
  const auto refused = [](auto call) {
    errno = 0;
    EXPECT_TRUE(is_one_line_with(lines_of(call), "is not a pool, or was destroyed"));
    EXPECT_EQ(errno, EINVAL);
  };
  refused([&] { EXPECT_EQ(ashlar_mempool_alloc(pool, 0), nullptr); });
  refused([&] { ashlar_mempool_free(&source, pool); });
  refused([&] { EXPECT_EQ(ashlar_mempool_resize(pool, 2), -1); });
  refused([&] { ashlar_mempool_destroy(pool); });
  size_t words[32] = {};
  refused([&] { EXPECT_EQ(ashlar_mempool_alloc(reinterpret_cast<ashlar_mempool*>(words), 0), nullptr); });
}

// The system refuses memory (RLIMIT_AS), and everything that is left is taken first.
int take_the_reserve_without_memory() {
  ashlar_cache* const cache = ashlar_cache_create("certain", 2000, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  ashlar_mempool* const pool = ashlar_mempool_create_slab_pool(500, cache);
  if (pool == nullptr) return 2;
  const struct rlimit none = {0, RLIM_INFINITY};
  if (setrlimit(RLIMIT_AS, &none) != 0) return 3;
  size_t taken = 0;
  while (ashlar_cache_alloc(cache) != nullptr) ++taken;
  if (errno != ENOMEM || taken == 0) return 4;
  for (int i = 0; i < 500; ++i) {
    void* const element = ashlar_mempool_alloc(pool, 0);
    if (element == nullptr) return 5;
    memset(element, i, 2000);
  }
  return ashlar_mempool_alloc(pool, 0) == nullptr && errno == ENOMEM ? 0 : 6;
}

TEST(Mempool, TheReserveIsCertainWhenTheSystemRefusesMemory) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer needs address space of its own";
#endif
  if (kEmulated) GTEST_SKIP() << "the emulator enforces no RLIMIT_AS";
  const pid_t child = fork();
  if (child == 0) _exit(take_the_reserve_without_memory());
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(MempoolSnapshot, CountsWhatThePoolDid) {
  Source source;
  ashlar_mempool* const pool = ashlar_mempool_create(3, make, end, &source);
  source.left = 0;
  void* elements[3];
  for (void*& element : elements) element = ashlar_mempool_alloc(pool, 0);
  EXPECT_EQ(ashlar_mempool_alloc(pool, 0), nullptr);
  ashlar_mempool_stats stats;
  ASSERT_EQ(ashlar_mempool_snapshot(pool, &stats, sizeof stats), 0);
  EXPECT_EQ(stats.min_nr, 3u);
  EXPECT_EQ(stats.curr_nr, 0u);
  EXPECT_EQ(stats.from_reserve, 3u);
  EXPECT_EQ(stats.failed, 1u);
  EXPECT_EQ(stats.waits, 0u);
  std::thread waiter([&] { ashlar_mempool_free(ashlar_mempool_alloc(pool, ASHLAR_GFP_WAIT), pool); });
  do {
    ASSERT_EQ(ashlar_mempool_snapshot(pool, &stats, sizeof stats), 0);
  } while (stats.waiting == 0);
  for (void* const element : elements) ashlar_mempool_free(element, pool);
  waiter.join();
  ASSERT_EQ(ashlar_mempool_snapshot(pool, &stats, sizeof stats), 0);
  EXPECT_GE(stats.waits, 1u);
  EXPECT_EQ(stats.curr_nr, 3u);
  EXPECT_EQ(stats.waiting, 0u);
  stats.curr_nr = 77;
  ASSERT_EQ(ashlar_mempool_snapshot(pool, &stats, sizeof stats.min_nr), 0);
  EXPECT_EQ(stats.curr_nr, 77u) << "a caller of an earlier version gets what it has room for";
  ashlar_mempool_destroy(pool);
}

TEST(MempoolNames, TellWhatAPoolIsOf) {
  const size_t before = ashlar_mempool_list(nullptr, 0);
  ashlar_cache* const cache = ashlar_cache_create("bio", 64, 0, 0, nullptr);
  ashlar_mempool* const slab = ashlar_mempool_create_slab_pool(1, cache);
  ashlar_mempool* const block = ashlar_mempool_create_kmalloc_pool(1, 100);
  ashlar_mempool* const pages = ashlar_mempool_create_page_pool(1, 2);
  EXPECT_STREQ(ashlar_mempool_name(slab), "slab-bio");
  EXPECT_STREQ(ashlar_mempool_name(block), "kmalloc-100");
  EXPECT_STREQ(ashlar_mempool_name(pages), "pages-2");
  EXPECT_EQ(ashlar_mempool_set_name(pages, "ring"), 0);
  EXPECT_STREQ(ashlar_mempool_name(pages), "ring");
  ashlar_mempool* listed[2] = {};
  EXPECT_EQ(ashlar_mempool_list(listed, 2), before + 3);
  EXPECT_EQ(listed[0], pages);
  EXPECT_EQ(listed[1], block);
  for (ashlar_mempool* const pool : {slab, block, pages}) ashlar_mempool_destroy(pool);
  EXPECT_EQ(ashlar_mempool_list(nullptr, 0), before);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST(MempoolNames, MisuseGivesALine) {
  ashlar_mempool* const pool = ashlar_mempool_create_kmalloc_pool(1, 100);
  ashlar_mempool_stats stats;
  const auto refused = [](const char* line, auto call) {
    errno = 0;
    EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(call(), -1); }), line));
    EXPECT_EQ(errno, EINVAL);
  };
  refused("the bytes of the name are 0, expected 1 to 47", [&] { return ashlar_mempool_set_name(pool, ""); });
  refused("the bytes of the name are 48, expected 1 to 47",
          [&] { return ashlar_mempool_set_name(pool, std::string(48, 'x').c_str()); });
  refused("the name has control characters", [&] { return ashlar_mempool_set_name(pool, "a\nb"); });
  refused("the pointer to the figures must not be NULL", [&] { return ashlar_mempool_snapshot(pool, nullptr, 8); });
  ashlar_mempool_destroy(pool);
  refused("is not a pool, or was destroyed", [&] { return ashlar_mempool_set_name(pool, "late"); });
  refused("is not a pool, or was destroyed", [&] { return ashlar_mempool_snapshot(pool, &stats, sizeof stats); });
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_mempool_name(pool), nullptr); }), "is not a pool"));
}

}  // namespace
