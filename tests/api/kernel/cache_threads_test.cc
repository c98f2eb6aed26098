// Tests ashlar/cache.h with several threads, ends of threads and forks.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "ashlar/ashlar.h"
#include "ashlar/cache.h"
#include "line.h"
#include "slab/named_cache.h"
#include "slab/slab.h"

namespace {

namespace slab = ashlar::slab;

constexpr int kThreads = 4;

const slab::Handle* slab_handle(const ashlar_cache* cache) { return reinterpret_cast<const slab::Handle*>(cache); }

template <class Run>
void in_threads(int n, Run run) {
  std::vector<std::thread> threads;
  for (int i = 0; i < n; ++i) threads.emplace_back(run, i);
  for (std::thread& thread : threads) thread.join();
}

struct Item {
  uint64_t owner;
  char payload[72];
};
std::atomic<long> constructions{0};
void construct(void* object) {
  constructions.fetch_add(1, std::memory_order_relaxed);
  static_cast<Item*>(object)->owner = 0;
}

// Takes, marks, checks and frees; leaves the objects as they were constructed.
void churn(ashlar_cache* cache, unsigned seed, int rounds) {
  std::vector<Item*> live;
  for (int i = 0; i < rounds; ++i) {
    seed = seed * 1664525u + 1013904223u;
    if (live.size() < 200 && (seed >> 16) % 3 != 0) {
      auto* const item = static_cast<Item*>(ashlar_cache_alloc(cache));
      ASSERT_NE(item, nullptr);
      ASSERT_EQ(item->owner, 0u) << "an object is handed out twice, or not constructed";
      item->owner = seed | 1;
      memset(item->payload, static_cast<int>(item->owner), sizeof item->payload);
      live.push_back(item);
    } else if (!live.empty()) {
      const size_t at = (seed >> 8) % live.size();
      Item* const item = live[at];
      for (const char byte : item->payload) ASSERT_EQ(byte, static_cast<char>(item->owner));
      item->owner = 0;
      ashlar_cache_free(cache, item);
      live[at] = live.back();
      live.pop_back();
    }
  }
  for (Item* const item : live) {
    item->owner = 0;
    ashlar_cache_free(cache, item);
  }
}

TEST(CacheThreads, ObjectsAreNeverSharedAndAllGoBackWhenThreadsEnd) {
  ashlar_cache* const cache = ashlar_cache_create("threads", sizeof(Item), 0, 0, construct);
  for (int round = 0; round < 5; ++round) {
    in_threads(kThreads, [&](int i) { churn(cache, static_cast<unsigned>(i * 77 + round), 20000); });
  }
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST(CacheThreads, ObjectsMayBeFreedByAnotherThread) {
  ashlar_cache* const cache = ashlar_cache_create("handed_over", 64, 0, 0, nullptr);
  for (int round = 0; round < 20; ++round) {
    std::vector<void*> objects(1000);
    in_threads(1, [&](int) { ASSERT_EQ(ashlar_cache_alloc_bulk(cache, objects.size(), objects.data()), 1000u); });
    in_threads(1, [&](int) { ashlar_cache_free_bulk(cache, objects.size(), objects.data()); });
  }
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST(CacheThreads, DestroyIsNotHeldUpByWhatAnotherThreadCaches) {
  std::atomic<int> step{0};
  ashlar_cache* const cache = ashlar_cache_create("cached_there", 64, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  void* live = nullptr;
  std::thread other([&] {
    std::vector<void*> objects(300);
    ashlar_cache_alloc_bulk(cache, objects.size(), objects.data());
    live = objects.back();
    ashlar_cache_free_bulk(cache, objects.size() - 1, objects.data());
    step = 1;
    while (step != 2) std::this_thread::yield();
  });
  while (step != 1) std::this_thread::yield();
  char where[60];
  snprintf(where, sizeof where, "1 object is still in use, at %p\n", live);
  EXPECT_TRUE(
      ashlar_test::is_one_line_with(ashlar_test::lines_of([&] { EXPECT_EQ(ashlar_cache_destroy(cache), -1); }), where));
  ashlar_cache_free(cache, live);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
  ashlar_cache* const next = ashlar_cache_create("cached_there", 64, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  void* const object = ashlar_cache_alloc(next);
  EXPECT_NE(object, nullptr);
  step = 2;
  other.join();
  ashlar_cache_free(next, object);
  EXPECT_EQ(ashlar_cache_destroy(next), 0);
}

TEST(CacheThreads, ManyCachesComeAndGoInAllThreads) {
  in_threads(kThreads, [](int i) {
    for (int round = 0; round < 150; ++round) {
      const std::string name = "come_" + std::to_string(i) + "_" + std::to_string(round);
      const bool constructed = round % 3 == 0;
      ashlar_cache* const cache =
          ashlar_cache_create(name.c_str(), sizeof(Item) + static_cast<size_t>(round % 7) * 16, 0,
                              round % 2 == 0 ? ASHLAR_CACHE_NO_MERGE : 0, constructed ? construct : nullptr);
      ASSERT_NE(cache, nullptr);
      std::vector<void*> objects(static_cast<size_t>(50 + round));
      ASSERT_EQ(ashlar_cache_alloc_bulk(cache, objects.size(), objects.data()), objects.size());
      for (void* const object : objects) {
        if (constructed) ASSERT_EQ(static_cast<Item*>(object)->owner, 0u);
        else memset(object, i, sizeof(Item));
      }
      ashlar_cache_free_bulk(cache, objects.size(), objects.data());
      ASSERT_EQ(ashlar_cache_destroy(cache), 0);
    }
  });
}

// What a thread does when it returns what it and the depots have of all caches.
TEST(CacheThreads, DestructionWaitsForObjectsOnTheirWayToTheSlabs) {
  ashlar_cache* const cache = ashlar_cache_create("on_their_way", 64, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  slab::NamedCache& named = *slab::known(cache)->named;
  std::atomic<bool> moves{false};
  std::thread mover([&] {
    const slab::Move move(named);
    const slab::Magazine magazine = slab::take(named, 10, ashlar::NodeId(0));
    EXPECT_GT(magazine.count, 0u);
    moves = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    slab::return_to_slabs(named, magazine, "ashlar_cache_free()");
  });
  while (!moves) std::this_thread::yield();
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
  mover.join();
}

TEST(CacheThreads, DestructionDoesNotWaitForObjectsInUse) {
  ashlar_cache* const cache = ashlar_cache_create("in_use", 64, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  void* const object = ashlar_cache_alloc(cache);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ashlar_cache_destroy(cache), -1);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));  // a second each if it waited
  ashlar_cache_free(cache, object);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

int exit_status_of(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(CacheFork, TheChildUsesAndDestroysItsCopy) {
  ashlar_cache* const cache = ashlar_cache_create("forked", sizeof(Item), 0, 0, construct);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      while (!stop) churn(cache, static_cast<unsigned>(i), 500);
    });
  }
  for (int round = 0; round < 10; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      for (int i = 0; i < 2000; ++i) {
        auto* const item = static_cast<Item*>(ashlar_cache_alloc(cache));
        if (item == nullptr) _exit(2);
        ashlar_cache_free(cache, item);
      }
      ashlar_cache* const own = ashlar_cache_create("own", 64, 0, 0, nullptr);
      void* const object = ashlar_cache_alloc(own);
      ashlar_cache_free(own, object);
      _exit(ashlar_cache_destroy(own) == 0 ? 0 : 3);
    }
    EXPECT_EQ(exit_status_of(child), 0);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST(CacheFork, TheChildGetsBackWhatOtherThreadsCached) {
  std::atomic<int> step{0};
  ashlar_cache* const cache = ashlar_cache_create("regained", 64, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  std::thread other([&] {
    std::vector<void*> objects(300);
    ashlar_cache_alloc_bulk(cache, objects.size(), objects.data());
    ashlar_cache_free_bulk(cache, objects.size(), objects.data());
    step = 1;
    while (step != 2) std::this_thread::yield();
  });
  while (step != 1) std::this_thread::yield();
  const pid_t child = fork();
  if (child == 0) _exit(ashlar_cache_destroy(cache) == 0 ? 0 : 3);
  EXPECT_EQ(exit_status_of(child), 0);
  step = 2;
  other.join();
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

// Runs while a profile begins and ends again and again; then a few blocks of each end of it are still samples.
TEST(CacheProfile, BeginsAndEndsAmongThreads) {
  ashlar_cache* const cache = ashlar_cache_create("profiled", sizeof(Item), 0, ASHLAR_CACHE_NO_MERGE, construct);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      while (!stop) churn(cache, static_cast<unsigned>(i), 2000);
    });
  }
  for (int round = 0; round < 60; ++round) {
    ASSERT_EQ(ashlar_profile_start(round % 3 == 0 ? 1 : 1 << 10), 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    ashlar_profile_stop();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(slab_handle(cache)->named->samples, 0U) << "each object is freed";
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
  EXPECT_EQ(ashlar_validate(), 0U);
}

// Once a profile ended, a cache without samples is as fast as before; one with some sees that they are freed.
TEST(CacheProfile, IsFollowedUntilTheLastSampleIsFreed) {
  ashlar_cache* const cache = ashlar_cache_create("followed", 200, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  ashlar_cache* const other = ashlar_cache_create("others", 200, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  const slab::Handle& handle = *slab_handle(cache);
  if (handle.checked != nullptr) GTEST_SKIP() << "each call of a cache that is checked is seen anyway";
  ASSERT_EQ(ashlar_profile_start(1), 0);
  ashlar_cache* const later = ashlar_cache_create("later", 200, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  std::vector<void*> objects(30);
  for (void*& object : objects) object = ashlar_cache_alloc(cache);
  void* const of_later = ashlar_cache_alloc(later);
  EXPECT_EQ(handle.named->samples, 30U);
  EXPECT_EQ(slab_handle(later)->named->samples, 1U);
  ashlar_profile_stop();
  EXPECT_EQ(handle.fast_number, slab::kSeenNumber);
  EXPECT_EQ(slab_handle(other)->fast_number, slab_handle(other)->number);
  std::thread([&] {
    ashlar_cache_free(later, of_later);
    for (void* const object : objects) ashlar_cache_free(cache, object);
  }).join();
  EXPECT_EQ(handle.named->samples, 0U);
  EXPECT_EQ(handle.fast_number, handle.number);
  EXPECT_EQ(slab_handle(later)->fast_number, slab_handle(later)->number);
  ashlar_cache_free(cache, ashlar_cache_alloc(cache));
  for (ashlar_cache* const each : {cache, other, later}) EXPECT_EQ(ashlar_cache_destroy(each), 0);
}

}  // namespace
