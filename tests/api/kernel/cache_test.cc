// Tests each function of ashlar/cache.h: success, failure and edges.
#include "ashlar/cache.h"

#include <gtest/gtest.h>
#include <stdint.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "line.h"

namespace {

using ashlar_test::is_one_line_with;
using ashlar_test::lines_of;

bool aligned(const void* p, size_t to) { return reinterpret_cast<uintptr_t>(p) % to == 0; }

std::vector<void*> take(ashlar_cache* cache, size_t n) {
  std::vector<void*> objects(n);
  for (void*& object : objects) object = ashlar_cache_alloc(cache);
  return objects;
}

void give(ashlar_cache* cache, const std::vector<void*>& objects) {
  for (void* const object : objects) ashlar_cache_free(cache, object);
}

TEST(Cache, HandsOutDistinctObjectsThatKeepTheirBytes) {
  for (const size_t size : {1, 8, 16, 40, 100, 1000, 4096, 5000, 40000, 262144}) {
    ashlar_cache* const cache = ashlar_cache_create("distinct", size, 0, 0, nullptr);
    ASSERT_NE(cache, nullptr) << size;
    const std::vector<void*> objects = take(cache, size > 10000 ? 20 : 300);
    for (size_t i = 0; i < objects.size(); ++i) {
      ASSERT_NE(objects[i], nullptr);
      EXPECT_TRUE(aligned(objects[i], 16));
      memset(objects[i], static_cast<int>(i), size);
    }
    for (size_t i = 0; i < objects.size(); ++i) {
      const auto* const bytes = static_cast<const unsigned char*>(objects[i]);
      EXPECT_EQ(bytes[0], static_cast<unsigned char>(i)) << size;
      EXPECT_EQ(bytes[size - 1], static_cast<unsigned char>(i)) << size;
      EXPECT_GE(ashlar_malloc_usable_size(objects[i]), size);
    }
    give(cache, objects);
    EXPECT_EQ(ashlar_cache_destroy(cache), 0);
  }
}

TEST(Cache, TellsItsNameAndSize) {
  ashlar_cache* const cache = ashlar_cache_create("named", 42, 0, 0, nullptr);
  EXPECT_STREQ(ashlar_cache_name(cache), "named");
  EXPECT_EQ(ashlar_cache_size(cache), 42u);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST(Cache, CopiesTheName) {
  char name[] = "copied";
  ashlar_cache* const cache = ashlar_cache_create(name, 42, 0, 0, nullptr);
  name[0] = 'x';
  EXPECT_STREQ(ashlar_cache_name(cache), "copied");
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST(Cache, AlignsAsAsked) {
  for (size_t align = 1; align <= ASHLAR_CACHE_SIZE_MAX; align *= 2) {
    ashlar_cache* const cache = ashlar_cache_create("aligned", 24, align, 0, nullptr);
    ASSERT_NE(cache, nullptr) << align;
    const std::vector<void*> objects = take(cache, 5);
    for (void* const object : objects) EXPECT_TRUE(aligned(object, align)) << align;
    give(cache, objects);
    EXPECT_EQ(ashlar_cache_destroy(cache), 0);
  }
}

TEST(Cache, HwalignLetsNoObjectStraddleACacheLine) {
  for (const size_t size : {20, 33, 100}) {
    ashlar_cache* const cache = ashlar_cache_create("lines", size, 0, ASHLAR_CACHE_HWALIGN, nullptr);
    const std::vector<void*> objects = take(cache, 50);
    for (void* const object : objects) {
      const uintptr_t start = reinterpret_cast<uintptr_t>(object);
      if (size <= 64) EXPECT_EQ(start / 64, (start + size - 1) / 64) << size;
      else EXPECT_EQ(start % 64, 0u) << size;
    }
    give(cache, objects);
    EXPECT_EQ(ashlar_cache_destroy(cache), 0);
  }
}

TEST(Cache, ReusesWhatWasFreed) {
  ashlar_cache* const cache = ashlar_cache_create("reused", 64, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  void* const first = ashlar_cache_alloc(cache);
  ashlar_cache_free(cache, first);
  EXPECT_EQ(ashlar_cache_alloc(cache), first);
  ashlar_cache_free(cache, first);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST(Cache, ZallocGivesZeros) {
  ashlar_cache* const cache = ashlar_cache_create("zeros", 100, 0, 0, nullptr);
  void* const dirty = ashlar_cache_alloc(cache);
  memset(dirty, 0xff, 100);
  ashlar_cache_free(cache, dirty);
  auto* const bytes = static_cast<unsigned char*>(ashlar_cache_zalloc(cache));
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(bytes[i], 0);
  ashlar_cache_free(cache, bytes);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

struct Constructed {
  uint64_t magic;
  char rest[80];
};
int constructions = 0;
void construct(void* object) {
  ++constructions;
  static_cast<Constructed*>(object)->magic = 0x600d;
  memset(static_cast<Constructed*>(object)->rest, 7, sizeof Constructed::rest);
}

TEST(CacheWithConstructor, ConstructsEachObjectOnceAndKeepsItsBytes) {
  constructions = 0;
  ashlar_cache* const cache = ashlar_cache_create("constructed", sizeof(Constructed), 0, 0, construct);
  std::set<void*> seen;
  for (int round = 0; round < 50; ++round) {
    const std::vector<void*> objects = take(cache, 1 + static_cast<size_t>(round) * 7 % 90);
    for (void* const object : objects) {
      const auto* const it = static_cast<const Constructed*>(object);
      ASSERT_EQ(it->magic, 0x600du);
      for (const char byte : it->rest) ASSERT_EQ(byte, 7);
      seen.insert(object);
    }
    give(cache, objects);
  }
  EXPECT_GE(constructions, static_cast<int>(seen.size()));
  EXPECT_LE(constructions, static_cast<int>(seen.size()) + 100) << "more than a page of objects ahead";
  const int before = constructions;
  give(cache, take(cache, seen.size()));
  EXPECT_EQ(constructions, before) << "constructed objects are constructed again";
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

// Also where no thread keeps free objects (slob), and where freed ones wait for a while (slab_debug, harden).
TEST(CacheWithConstructor, ConstructsNoObjectAgainThatCameBack) {
  constructions = 0;
  constexpr size_t kAtOnce = 2000, kWaiting = 1024, kSpan = 700;
  ashlar_cache* const cache = ashlar_cache_create("lasting", sizeof(Constructed), 0, 0, construct);
  for (int round = 0; round < 8; ++round) give(cache, take(cache, kAtOnce));
  EXPECT_LE(static_cast<size_t>(constructions), kAtOnce + kWaiting + kSpan);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST(CacheWithConstructor, ConstructsAgainWhatWentBackToThePages) {
  constructions = 0;
  ashlar_cache* const cache = ashlar_cache_create("again", sizeof(Constructed), 0, 0, construct);
  give(cache, take(cache, 500));
  const int before = constructions;
  EXPECT_EQ(ashlar_cache_shrink(cache), 0);
  const std::vector<void*> objects = take(cache, 500);
  for (void* const object : objects) EXPECT_EQ(static_cast<Constructed*>(object)->magic, 0x600du);
  EXPECT_GT(constructions, before);
  give(cache, objects);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

ashlar_cache* nested_cache = nullptr;
int nesting = 0;
void construct_with_allocations(void* object) {
  memset(object, 1, 32);
  ashlar_free(ashlar_malloc(100));
  if (nesting < 3) {
    ++nesting;
    ashlar_cache_free(nested_cache, ashlar_cache_alloc(nested_cache));
    --nesting;
  }
}

TEST(CacheWithConstructor, MayAllocateAlsoFromItsOwnCache) {
  nested_cache = ashlar_cache_create("nested", 32, 0, 0, construct_with_allocations);
  const std::vector<void*> objects = take(nested_cache, 2000);
  EXPECT_EQ(std::set<void*>(objects.begin(), objects.end()).size(), objects.size());
  for (void* const object : objects) EXPECT_EQ(*static_cast<char*>(object), 1);
  give(nested_cache, objects);
  EXPECT_EQ(ashlar_cache_destroy(nested_cache), 0);
}

TEST(CacheWithConstructor, RefusesZallocWithALine) {
  ashlar_cache* const cache = ashlar_cache_create("no_zeros", 32, 0, 0, construct_with_allocations);
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_cache_zalloc(cache), nullptr); }),
                               "ashlar_cache_zalloc(\"no_zeros\"): the cache has a constructor"));
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST(CacheBulk, TakesAndFreesMany) {
  ashlar_cache* const cache = ashlar_cache_create("bulk", 48, 0, 0, nullptr);
  std::vector<void*> objects(1000);
  EXPECT_EQ(ashlar_cache_alloc_bulk(cache, objects.size(), objects.data()), objects.size());
  EXPECT_EQ(std::set<void*>(objects.begin(), objects.end()).size(), objects.size());
  EXPECT_EQ(ashlar_cache_alloc_bulk(cache, 0, objects.data()), 0u);
  ashlar_cache_free_bulk(cache, objects.size(), objects.data());
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST(CacheNodes, HasNodeZeroAndAny) {
  ashlar_cache* const cache = ashlar_cache_create("nodes", 48, 0, 0, nullptr);
  for (const int node : {-1, 0}) {
    void* const object = ashlar_cache_alloc_node(cache, node);
    EXPECT_NE(object, nullptr);
    ashlar_cache_free(cache, object);
  }
  for (const int node : {-2, 999}) {
    EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_cache_alloc_node(cache, node), nullptr); }),
                                 "there is no node " + std::to_string(node)));
    EXPECT_EQ(errno, EINVAL);
  }
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

using Flagged = void* (*)(ashlar_cache* cache, unsigned flags);
const Flagged kFlagged[] = {ashlar_cache_alloc_flags, [](ashlar_cache* cache, unsigned flags) {
                              return ashlar_cache_alloc_node_flags(cache, 0, flags);
                            }};
constexpr unsigned kAllFlags = ASHLAR_GFP_ZERO | ASHLAR_GFP_THISNODE | ASHLAR_GFP_NORETRY;

TEST(CacheFlags, GiveObjectsThatAreZeroWhereThatIsAsked) {
  ashlar_cache* const cache = ashlar_cache_create("flags", 200, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  for (const Flagged allocate : kFlagged) {
    for (unsigned flags = 0; flags <= kAllFlags; ++flags) {
      std::vector<void*> objects;
      for (int i = 0; i < 300; ++i) {
        auto* const object = static_cast<unsigned char*>(allocate(cache, flags));
        ASSERT_NE(object, nullptr) << flags;
        if ((flags & ASHLAR_GFP_ZERO) != 0) {
          EXPECT_TRUE(std::all_of(object, object + 200, [](unsigned char c) { return c == 0; })) << flags;
        }
        std::memset(object, 0xa5, 200);
        objects.push_back(object);
      }
      std::sort(objects.begin(), objects.end());
      EXPECT_EQ(std::unique(objects.begin(), objects.end()), objects.end()) << "an object is given once";
      for (void* const object : objects) ashlar_cache_free(cache, object);
    }
  }
  EXPECT_EQ(ashlar_cache_destroy(cache), 0) << "none was lost";
}

TEST(CacheFlags, OthersAreRefusedAndSoIsZeroBesideAConstructor) {
  ashlar_cache* const cache = ashlar_cache_create("flags", 200, 0, 0, nullptr);
  ashlar_cache* const built = ashlar_cache_create("built", 200, 0, 0, [](void* p) { std::memset(p, 7, 200); });
  for (const Flagged allocate : kFlagged) {
    for (const unsigned flags : {8u, 16u, ~0u}) {
      EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(allocate(cache, flags), nullptr); }),
                                   flags == ~0u
                                       ? "(\"flags\"): unknown flags 0xfffffff8: expected ASHLAR_GFP_ZERO, THISNODE"
                                       : "(\"flags\"): unknown flags 0x"));
      EXPECT_EQ(errno, EINVAL);
    }
    EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(allocate(built, ASHLAR_GFP_ZERO), nullptr); }),
                                 "(\"built\"): the cache has a constructor"));
    EXPECT_EQ(errno, EINVAL);
    auto* const object = static_cast<unsigned char*>(allocate(built, ASHLAR_GFP_THISNODE | ASHLAR_GFP_NORETRY));
    ASSERT_NE(object, nullptr);
    EXPECT_EQ(object[199], 7) << "it is constructed";
    ashlar_cache_free(built, object);
  }
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_cache_alloc_node_flags(cache, 999, 0), nullptr); }),
                               "ashlar_cache_alloc_node_flags(\"flags\"): there is no node 999"));
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
  EXPECT_EQ(ashlar_cache_destroy(built), 0);
}

struct Bad {
  const char* what;
  const char* name;
  size_t size, align;
  unsigned flags;
  int error;
  const char* line;
};
constexpr size_t kTooLarge = ASHLAR_CACHE_SIZE_MAX + 1;
const Bad kBad[] = {
    {"no name", nullptr, 8, 0, 0, EINVAL, "a cache needs a name"},
    {"an empty name", "", 8, 0, 0, EINVAL, "a cache needs a name"},
    {"a long name", "a_name_of_more_than_31_characters", 8, 0, 0, ENAMETOOLONG, "more than 31 characters"},
    {"a control character", "a\nb", 8, 0, 0, EINVAL, "control characters"},
    {"a comma", "a,b", 8, 0, 0, EINVAL, "(\"a,b\"): the name has a comma or a space"},
    {"a space", "sp ace", 8, 0, 0, EINVAL, "the name has a comma or a space"},
    {"a size class", "malloc-64", 8, 0, 0, EINVAL,
     "the name starts with \"malloc-\", like those of malloc's size classes"},
    {"what a size class might be", "malloc-", 8, 0, 0, EINVAL,
     "the name starts with \"malloc-\", like those of malloc's size classes"},
    {"size 0", "bad", 0, 0, 0, EINVAL, "(\"bad\"): the size is 0"},
    {"a large size", "bad", kTooLarge, 0, 0, EINVAL, "the size is above 256 KiB"},
    {"a huge size", "bad", SIZE_MAX, 0, 0, EINVAL, "the size is above 256 KiB"},
    {"align 24", "bad", 8, 24, 0, EINVAL, "the alignment is not a power of two"},
    {"a large align", "bad", 8, 1 << 20, 0, EINVAL, "the alignment is above 256 KiB"},
    {"unknown flags", "bad", 8, 0, 0x80, EINVAL,
     "unknown flags 0x80: it takes ASHLAR_CACHE_HWALIGN, NO_MERGE, CONSISTENCY_CHECKS"},
};

TEST(CacheMisuse, BadArgumentsGiveAnErrorAndALine) {
  for (const Bad& bad : kBad) {
    SCOPED_TRACE(bad.what);
    errno = 0;
    EXPECT_TRUE(is_one_line_with(
        lines_of([&] { EXPECT_EQ(ashlar_cache_create(bad.name, bad.size, bad.align, bad.flags, nullptr), nullptr); }),
        bad.line));
    EXPECT_EQ(errno, bad.error);
  }
}

TEST(CacheMisuse, NamesOf31CharactersAreTakenAndFreedNamesAreFreeAgain) {
  const std::string name(31, 'n');
  for (int round = 0; round < 3; ++round) {
    ashlar_cache* const cache = ashlar_cache_create(name.c_str(), 8, 0, 0, nullptr);
    ASSERT_NE(cache, nullptr);
    EXPECT_EQ(ashlar_cache_name(cache), name);
    EXPECT_EQ(ashlar_cache_destroy(cache), 0);
  }
}

TEST(CacheMisuse, DestroyRefusesWhileObjectsLiveAndTellsWhere) {
  ashlar_cache* const cache = ashlar_cache_create("busy", 96, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  std::vector<void*> objects = take(cache, 300);
  void* const kept = objects[123];
  objects.erase(objects.begin() + 123);
  give(cache, objects);
  char where[40];
  snprintf(where, sizeof where, "at %p\n", kept);
  errno = 0;
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_cache_destroy(cache), -1); }),
                               std::string("ashlar_cache_destroy(\"busy\"): 1 object is still in use, ") + where));
  EXPECT_EQ(errno, EBUSY);
  ashlar_cache_free(cache, kept);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST(CacheMisuse, DestroyCountsAllLiveObjects) {
  ashlar_cache* const cache = ashlar_cache_create("crowd", 5000, 0, 0, construct);
  const std::vector<void*> objects = take(cache, 40);
  const std::string lines = lines_of([&] { EXPECT_EQ(ashlar_cache_destroy(cache), -1); });
  EXPECT_TRUE(is_one_line_with(lines, "40 objects are still in use, at 0x"));
  EXPECT_TRUE(is_one_line_with(lines, ", ..."));
  give(cache, objects);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST(CacheMisuse, DestroyOfNoCacheIsRefused) {
  EXPECT_EQ(ashlar_cache_destroy(nullptr), 0);
  int other = 0;
  EXPECT_TRUE(
      is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_cache_destroy(reinterpret_cast<ashlar_cache*>(&other)), -1); }),
                       "is not a cache"));
  EXPECT_EQ(errno, EINVAL);
}

TEST(CacheMisuse, DestroyedCachesAreKnownAsSuch) {
  ashlar_cache* const cache = ashlar_cache_create("gone", 96, 0, 0, nullptr);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
  const char* const line = "is not a cache, or was destroyed";
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_cache_destroy(cache), -1); }), line));
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_cache_alloc(cache), nullptr); }), line));
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_cache_zalloc(cache), nullptr); }), line));
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_cache_shrink(cache), -1); }), line));
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_cache_size(cache), 0u); }), line));
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_cache_name(cache), nullptr); }), line));
  int other = 0;
  EXPECT_TRUE(is_one_line_with(lines_of([&] { ashlar_cache_free(cache, &other); }), line));
  EXPECT_EQ(errno, EINVAL);
}

TEST(CacheMisuse, FreeIntoTheWrongCacheIsRefusedAndLeavesTheObject) {
  ashlar_cache* const one = ashlar_cache_create("one", 64, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  ashlar_cache* const two = ashlar_cache_create("two", 64, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  auto* const object = static_cast<char*>(ashlar_cache_alloc(one));
  memset(object, 5, 64);
  errno = 0;
  EXPECT_TRUE(is_one_line_with(lines_of([&] { ashlar_cache_free(two, object); }), "ashlar_cache_free(\"two\"): 0x"));
  EXPECT_EQ(errno, EINVAL);
  EXPECT_TRUE(is_one_line_with(lines_of([&] { ashlar_cache_free(two, object); }), "is an object of \"one\""));
  for (int i = 0; i < 64; ++i) EXPECT_EQ(object[i], 5);
  ashlar_cache_free(one, object);
  EXPECT_EQ(ashlar_cache_destroy(one), 0);
  EXPECT_EQ(ashlar_cache_destroy(two), 0);
}

TEST(CacheMisuse, FreeOfOtherMemoryIsRefused) {
  ashlar_cache* const cache = ashlar_cache_create("strict", 64, 0, 0, nullptr);
  int local = 0;
  void* const small = ashlar_malloc(64);
  void* const large = ashlar_malloc(100000);
  EXPECT_TRUE(is_one_line_with(lines_of([&] { ashlar_cache_free(cache, &local); }), "is not an object of a cache"));
  EXPECT_TRUE(is_one_line_with(lines_of([&] { ashlar_cache_free(cache, small); }), "is a block of malloc's"));
  EXPECT_TRUE(is_one_line_with(lines_of([&] { ashlar_cache_free(cache, large); }), "is not an object of a cache"));
  ashlar_free(small);
  ashlar_free(large);
  ashlar_cache_free(cache, nullptr);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

// --- What the fast paths do not look at is noticed later, and then told of the right cache.

class CacheMisuseDeathTest : public testing::Test {
 protected:
  ~CacheMisuseDeathTest() override { EXPECT_EQ(ashlar_cache_destroy(cache_), 0); }
  void free_twice() {
    void* const object = ashlar_cache_alloc(cache_);
    ashlar_cache_free(cache_, object);
    ashlar_cache_free(cache_, object);
  }
  void free_inside() { ashlar_cache_free(cache_, static_cast<char*>(ashlar_cache_alloc(cache_)) + 8); }

  ashlar_cache* cache_ = ashlar_cache_create("victim", 112, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
};

constexpr const char* kTwice =
    "ashlar: (BUG victim: double free of 0x|ashlar_cache_free\\(\\): .*(freed twice|double free).*)";
constexpr const char* kInside =
    "ashlar: (BUG victim: invalid pointer|ashlar_cache_free\\(\\): invalid pointer 0x[0-9a-f]+: not the start of an "
    "object "
    "\\(it lies 8 bytes inside the object of 112 bytes at 0x[0-9a-f]+\\) of the cache \"victim\")";

TEST_F(CacheMisuseDeathTest, ASecondFreeIsToldWhenTheCacheIsDestroyed) {
  EXPECT_DEATH((free_twice(), ashlar_cache_destroy(cache_)), kTwice);
}

TEST_F(CacheMisuseDeathTest, ASecondFreeIsToldWhenTheCacheIsShrunk) {
  EXPECT_DEATH((free_twice(), ashlar_cache_shrink(cache_)), kTwice);
}

TEST_F(CacheMisuseDeathTest, ASecondFreeIsToldWhenTheProcessEnds) { EXPECT_DEATH((free_twice(), exit(0)), kTwice); }

TEST_F(CacheMisuseDeathTest, AFreeInsideAnObjectIsToldWhenTheCacheIsDestroyed) {
  EXPECT_DEATH((free_inside(), ashlar_cache_destroy(cache_)), kInside);
}

TEST_F(CacheMisuseDeathTest, AFreeInsideAnObjectIsToldWhenTheProcessEnds) {
  EXPECT_DEATH((free_inside(), exit(0)), kInside);
}

TEST_F(CacheMisuseDeathTest, AFreeInsideAnObjectIsToldAtOnceByASlowCall) {
  auto* const object = static_cast<char*>(ashlar_cache_alloc(cache_));
  EXPECT_DEATH(std::thread([&] { ashlar_cache_free(cache_, object + 8); }).join(), kInside);
  ashlar_cache_free(cache_, object);
}

TEST(Cache, FreeKeepsErrno) {
  ashlar_cache* const cache = ashlar_cache_create("errno", 64, 0, 0, nullptr);
  const std::vector<void*> objects = take(cache, 2000);
  errno = 77;
  give(cache, objects);
  ashlar_cache_free(cache, nullptr);
  EXPECT_EQ(errno, 77);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST(Cache, ObjectsMayGoToFreeAndRealloc) {
  ashlar_cache* const cache = ashlar_cache_create("to_free", 200, 0, ASHLAR_CACHE_NO_MERGE, construct);
  std::vector<void*> objects = take(cache, 500);
  for (void* const object : objects) {
    EXPECT_GE(ashlar_malloc_usable_size(object), 200u);
    ashlar_free(object);
  }
  auto* const grown = static_cast<Constructed*>(ashlar_realloc(ashlar_cache_alloc(cache), 10000));
  ASSERT_NE(grown, nullptr);
  EXPECT_EQ(grown->magic, 0x600du);
  ashlar_free(grown);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

}  // namespace
