// Tests which caches of ashlar/cache.h may exist beside each other: their names, how many, and which share slabs. And
// what is refused where there is no cache.
#include <gtest/gtest.h>
#include <stdint.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <vector>

#include "ashlar/cache.h"
#include "base/options.h"
#include "line.h"

namespace {

using ashlar_test::is_one_line_with;
using ashlar_test::lines_of;

std::vector<void*> take(ashlar_cache* cache, size_t n) {
  std::vector<void*> objects(n);
  for (void*& object : objects) object = ashlar_cache_alloc(cache);
  return objects;
}

void give(ashlar_cache* cache, const std::vector<void*>& objects) {
  for (void* const object : objects) ashlar_cache_free(cache, object);
}

struct alignas(32) Macro {
  char bytes[40];
};

TEST(Cache, TheMacroNamesACacheAfterItsType) {
  ashlar_cache* const cache = ASHLAR_CACHE(Macro, ASHLAR_CACHE_NO_MERGE);
  EXPECT_STREQ(ashlar_cache_name(cache), "Macro");
  EXPECT_EQ(ashlar_cache_size(cache), sizeof(Macro));
  const std::vector<void*> objects = take(cache, 3);
  for (void* const object : objects) EXPECT_EQ(reinterpret_cast<uintptr_t>(object) % alignof(Macro), 0u);
  give(cache, objects);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST(CacheName, WhereTakenGetsACounter) {
  const auto make = [](const char* name) { return ashlar_cache_create(name, 8, 0, 0, nullptr); };
  ashlar_cache* const first = make("twice");
  ashlar_cache* const by_hand = make("twice#3");
  ashlar_cache* const second = make("twice");
  ashlar_cache* const third = make("twice");
  EXPECT_STREQ(ashlar_cache_name(first), "twice");
  EXPECT_STREQ(ashlar_cache_name(second), "twice#2");
  EXPECT_STREQ(ashlar_cache_name(third), "twice#4");
  EXPECT_EQ(ashlar_cache_destroy(first), 0);
  ashlar_cache* const fifth = make("twice");
  EXPECT_STREQ(ashlar_cache_name(fifth), "twice#5") << "a name is not used for another cache while later ones live";
  for (ashlar_cache* const cache : {by_hand, second, third, fifth}) EXPECT_EQ(ashlar_cache_destroy(cache), 0);
  const std::string longest(ASHLAR_CACHE_NAME_MAX, 'n');
  ashlar_cache* const one = make(longest.c_str());
  ashlar_cache* const two = make(longest.c_str());
  EXPECT_EQ(ashlar_cache_name(two), longest + "#2");
  EXPECT_EQ(ashlar_cache_destroy(one), 0);
  EXPECT_EQ(ashlar_cache_destroy(two), 0);
}

TEST(CacheMerging, SimilarCachesShareSlabs) {
  ashlar_cache* const one = ashlar_cache_create("alike_1", 50, 0, 0, nullptr);
  ashlar_cache* const two = ashlar_cache_create("alike_2", 60, 0, 0, nullptr);
  void* const object = ashlar_cache_alloc(one);
  ashlar_cache_free(two, object);  // the same cache under another name
  EXPECT_EQ(ashlar_cache_alloc(two), object);
  EXPECT_STREQ(ashlar_cache_name(one), "alike_1");
  EXPECT_EQ(ashlar_cache_size(two), 60u);
  EXPECT_EQ(ashlar_cache_destroy(one), 0) << "the other one keeps the objects";
  ashlar_cache_free(two, object);
  EXPECT_EQ(ashlar_cache_destroy(two), 0);
}

TEST(CacheMerging, SlabNomergeGivesEachCacheFiguresOfItsOwn) {
  ashlar::options.slab_nomerge = 1;
  ashlar_cache* const one = ashlar_cache_create("apart_1", 50, 0, 0, nullptr);
  ashlar::options.slab_nomerge = 0;
  ashlar_cache* const two = ashlar_cache_create("apart_2", 60, 0, 0, nullptr);
  const std::vector<void*> objects = take(one, 10);
  ashlar_cache_stats stats;
  ASSERT_EQ(ashlar_cache_snapshot(one, &stats), 0);
  EXPECT_EQ(stats.live, 10u);
  ASSERT_EQ(ashlar_cache_snapshot(two, &stats), 0);
  EXPECT_EQ(stats.live, 0u);
  give(one, objects);
  EXPECT_EQ(ashlar_cache_destroy(one), 0);
  EXPECT_EQ(ashlar_cache_destroy(two), 0);
}

TEST(CacheMerging, LimitsAreToldFromMemory) {
  std::vector<ashlar_cache*> caches;
  char name[32];
  for (size_t i = 0; i <= ASHLAR_CACHE_HANDLES_MAX; ++i) {
    snprintf(name, sizeof name, "handle_%zu", i);
    ashlar_cache* cache = nullptr;
    if (i < ASHLAR_CACHE_HANDLES_MAX) {
      cache = ashlar_cache_create(name, 32, 0, 0, nullptr);
      ASSERT_NE(cache, nullptr) << i;
      caches.push_back(cache);
    } else {
      EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_cache_create(name, 32, 0, 0, nullptr), nullptr); }),
                                   "too many caches"));
      EXPECT_EQ(errno, ENOSPC);
    }
  }
  for (ashlar_cache* const cache : caches) EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST(CacheMerging, DistinctCachesHaveALimitAndNumbersAreUsedAgain) {
  for (int round = 0; round < 3; ++round) {
    std::vector<ashlar_cache*> caches;
    char name[32];
    for (size_t i = 0; i < ASHLAR_CACHE_DISTINCT_MAX; ++i) {
      snprintf(name, sizeof name, "distinct_%zu", i);
      caches.push_back(ashlar_cache_create(name, 16 + i, 0, ASHLAR_CACHE_NO_MERGE, nullptr));
      ASSERT_NE(caches.back(), nullptr) << i;
      ashlar_cache_free(caches.back(), ashlar_cache_alloc(caches.back()));
    }
    EXPECT_TRUE(is_one_line_with(
        lines_of([&] { EXPECT_EQ(ashlar_cache_create("more", 32, 0, ASHLAR_CACHE_NO_MERGE, nullptr), nullptr); }),
        "too many caches"));
    for (ashlar_cache* const cache : caches) ASSERT_EQ(ashlar_cache_destroy(cache), 0);
  }
}

TEST(CacheMisuse, NullIsRefused) {
  void* object = nullptr;
  ashlar_cache_stats stats;
  const auto refused = [](auto call) {
    errno = 0;
    const std::string lines = lines_of(call);
    EXPECT_TRUE(
        is_one_line_with(lines, lines.find("0x0") == std::string::npos ? "must not be NULL" : "is not a cache"));
    EXPECT_EQ(errno, EINVAL);
  };
  refused([] { EXPECT_EQ(ashlar_cache_zalloc(nullptr), nullptr); });
  refused([] { EXPECT_EQ(ashlar_cache_alloc_node(nullptr, 0), nullptr); });
  refused([] { EXPECT_EQ(ashlar_cache_alloc_flags(nullptr, 0), nullptr); });
  refused([] { EXPECT_EQ(ashlar_cache_alloc_node_flags(nullptr, 0, 0), nullptr); });
  refused([&] { EXPECT_EQ(ashlar_cache_alloc_bulk(nullptr, 1, &object), 0u); });
  refused([&] { ashlar_cache_free_bulk(nullptr, 1, &object); });
  refused([] { EXPECT_EQ(ashlar_cache_shrink(nullptr), -1); });
  refused([] { EXPECT_EQ(ashlar_cache_size(nullptr), 0u); });
  refused([] { EXPECT_EQ(ashlar_cache_name(nullptr), nullptr); });
  refused([&] { EXPECT_EQ(ashlar_cache_snapshot(nullptr, &stats), -1); });
  EXPECT_EQ(ashlar_cache_list(nullptr, 5), ashlar_cache_list(nullptr, 0));
}

}  // namespace
