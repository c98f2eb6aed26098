// Tests the flags of ashlar/cache.h that make a cache's objects checked, in a process that checks nothing else.
#include <gtest/gtest.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "ashlar/ashlar.h"
#include "ashlar/cache.h"
#include "ashlar/mallocx.h"
#include "base/options.h"
#include "line.h"

namespace {

using ashlar_test::lines_of;

constexpr unsigned kAll =
    ASHLAR_CACHE_CONSISTENCY_CHECKS | ASHLAR_CACHE_RED_ZONE | ASHLAR_CACHE_POISON | ASHLAR_CACHE_STORE_USER;
constexpr size_t kSmall = 100, kLarge = 65536;  // in a slot, and between guards

// What other options check is checked whatever the flags say.
bool checks_all() { return ashlar::options.harden != 0 || ashlar::options.slab_debug != 0; }

ashlar_cache* make(const char* name, size_t size, unsigned flags, void (*constructor)(void*) = nullptr) {
  ashlar_cache* const cache = ashlar_cache_create(name, size, 0, flags, constructor);
  EXPECT_NE(cache, nullptr);
  return cache;
}

char* take(ashlar_cache* cache) {
  void* const object = ashlar_cache_alloc(cache);
  EXPECT_NE(object, nullptr);
  return static_cast<char*>(object);
}

// Not known to the compiler as a block that ends, or was freed.
void write(volatile char* at) { *at = static_cast<char>(*at + 1); }

class CacheChecksDeathTest : public testing::TestWithParam<size_t> {
 protected:
  void TearDown() override {
    ashlar_cache_free(cache_, live_ ? object_ : nullptr);
    EXPECT_EQ(ashlar_cache_destroy(cache_), 0);
    ashlar_cache_free(other_, object_of_other_);
    EXPECT_EQ(ashlar_cache_destroy(other_), 0);
  }
  size_t size() const { return GetParam(); }
  bool live_ = true;
  ashlar_cache* cache_ = make("watched", GetParam(), kAll);
  ashlar_cache* other_ = make("other", GetParam(), 0);
  char* object_ = take(cache_);
  char* object_of_other_ = take(other_);
};

TEST_P(CacheChecksDeathTest, WriteBehindAnObject) {
  EXPECT_DEATH((write(object_ + size()), ashlar_cache_free(cache_, object_)),
               "BUG watched: (right redzone overwritten|access out of bounds at)");
}

TEST_P(CacheChecksDeathTest, WriteBeforeAnObject) {
  EXPECT_DEATH((write(object_ - 1), ashlar_cache_free(cache_, object_)),
               "BUG watched: (left redzone overwritten|access out of bounds at)");
}

TEST_P(CacheChecksDeathTest, WriteAfterFree) {
  ashlar_cache_free(cache_, object_);
  live_ = false;
  EXPECT_DEATH((write(object_ + 5), ashlar_validate()), "BUG watched: (object written after|use after free at)");
}

TEST_P(CacheChecksDeathTest, SecondFreeTellsWhoFreedFirst) {
  ashlar_cache_free(cache_, object_);
  live_ = false;
  EXPECT_DEATH(ashlar_cache_free(cache_, object_), "BUG watched: double free of(.|\n)* freed by thread ");
}

TEST_P(CacheChecksDeathTest, SecondFreeByFree) {
  ashlar_free(object_);
  live_ = false;
  EXPECT_DEATH(ashlar_free(object_), "BUG watched: double free of .* by free\\(\\)");
}

TEST_P(CacheChecksDeathTest, FreeInside) {
  EXPECT_DEATH(ashlar_cache_free(cache_, object_ + 16), "BUG watched: invalid pointer .*16 bytes inside");
}

TEST_P(CacheChecksDeathTest, FreeIntoAnUncheckedCache) {
  EXPECT_DEATH(ashlar_cache_free(other_, object_), "BUG other: wrong cache in .* is of \"watched\"");
}

TEST_P(CacheChecksDeathTest, FreeOfAnUncheckedCachesObject) {
  EXPECT_DEATH(ashlar_cache_free(cache_, object_of_other_), "(is an object of \"other\"|is of \"other\")");
}

TEST_P(CacheChecksDeathTest, FreeOfABlockOfMalloc) {
  EXPECT_DEATH(ashlar_cache_free(cache_, ashlar_malloc(kSmall)), "watched.*is (a block of malloc's|of malloc)");
}

INSTANTIATE_TEST_SUITE_P(Sizes, CacheChecksDeathTest, testing::Values(kSmall, kLarge),
                         testing::PrintToStringParamName());

class CacheChecks : public testing::Test {
 protected:
  void SetUp() override {
    if (checks_all()) GTEST_SKIP() << "the options check more than the flags ask for";
    ashlar::options.debug_continue = 1;
  }
  void TearDown() override { ashlar::options.debug_continue = 0; }

  // The faults that a write beside an object, and one after its free, amount to.
  static size_t faults_beside(unsigned flags) { return faults(flags, false); }
  static size_t faults_after_free(unsigned flags) { return faults(flags, true); }
  static size_t faults(unsigned flags, bool freed) {
    ashlar_cache* const cache = make("few", 100, flags);
    char* const object = take(cache);
    if (freed) ashlar_cache_free(cache, object);
    write(object + (freed ? 5 : 100));
    size_t found = 0;
    lines_of([&] { found = ashlar_validate(); });
    if (!freed) ashlar_cache_free(cache, object);
    lines_of([&] { EXPECT_EQ(ashlar_cache_destroy(cache), 0); });
    return found;
  }
};

TEST_F(CacheChecks, EachFlagFindsWhatItIsFor) {
  EXPECT_EQ(faults_beside(ASHLAR_CACHE_RED_ZONE), 1u);
  EXPECT_EQ(faults_beside(ASHLAR_CACHE_POISON), 0u);
  EXPECT_EQ(faults_beside(ASHLAR_CACHE_CONSISTENCY_CHECKS), 0u);
  EXPECT_EQ(faults_after_free(ASHLAR_CACHE_POISON), 1u);
  EXPECT_EQ(faults_after_free(ASHLAR_CACHE_RED_ZONE), 0u);
  EXPECT_EQ(faults_after_free(ASHLAR_CACHE_CONSISTENCY_CHECKS), 0u);
}

TEST_F(CacheChecks, TellUsersWhereTheyAreStoredAlone) {
  for (const unsigned flags : {0u, ASHLAR_CACHE_STORE_USER}) {
    ashlar_cache* const cache = make("users", 100, ASHLAR_CACHE_CONSISTENCY_CHECKS | flags);
    char* const object = take(cache);
    ashlar_cache_free(cache, object);
    const std::string lines = lines_of([&] { ashlar_cache_free(cache, object); });
    EXPECT_NE(lines.find("BUG users: double free"), std::string::npos) << lines;
    EXPECT_EQ(lines.find("allocated by thread") != std::string::npos, flags != 0) << lines;
    EXPECT_EQ(ashlar_cache_destroy(cache), 0);
  }
}

TEST_F(CacheChecks, LeaveMallocAndOtherCachesAlone) {
  ashlar_cache* const checked = make("checked", 100, kAll);
  ashlar_cache* const other = make("unchecked", 100, 0);
  ashlar_free(ashlar_malloc(1000));  // this thread has its heap
  void* const block = ashlar_malloc(1000);
  EXPECT_EQ(ashlar_malloc_usable_size(block), ashlar_good_size(1000)) << "the size is not kept";
  EXPECT_EQ(ashlar_realloc(block, ashlar_good_size(1000)), block) << "it stays in its place";
  ashlar_free(block);
  EXPECT_EQ(ashlar_malloc(1000), block) << "it is used again at once";
  ashlar_free(block);
  char* const object = take(other);
  ashlar_cache_free(other, object);
  EXPECT_EQ(take(other), object);
  write(object + 100);  // in what its size is rounded to
  EXPECT_EQ(ashlar_validate(), 0u);
  ashlar_cache_free(other, object);
  EXPECT_EQ(ashlar_cache_destroy(other), 0);
  EXPECT_EQ(ashlar_cache_destroy(checked), 0);
}

TEST_F(CacheChecks, ObjectsMayBeGivenToMallocsFunctions) {
  for (const size_t size : {kSmall, kLarge}) {
    ashlar_cache* const cache = make("given", size, kAll);
    char* const object = take(cache);
    memset(object, 7, size);
    EXPECT_EQ(ashlar_malloc_usable_size(object), size);
    EXPECT_EQ(ashlar_xallocx(object, 2 * size, 0, 0), size);
    auto* const block = static_cast<char*>(ashlar_realloc(object, 3 * size));
    EXPECT_EQ(block[size - 1], 7);
    ashlar_free(block);
    ashlar_free(take(cache));
    EXPECT_EQ(ashlar_cache_destroy(cache), 0);
  }
}

TEST_F(CacheChecks, AConstructedObjectKeepsItsBytesBetweenRedZones) {
  static int constructed = 0;
  const auto construct = [](void* object) {
    ++constructed;
    memset(object, 0x33, 100);
  };
  ashlar_cache* const cache = make("built", 100, kAll, construct);
  std::vector<char*> objects(3000);
  for (int round = 0; round < 3; ++round) {
    for (char*& object : objects) {
      object = take(cache);
      EXPECT_EQ(object[0] + object[99], 0x66);
    }
    for (char* const object : objects) ashlar_cache_free(cache, object);
  }
  EXPECT_LT(constructed, 6000);
  char* const object = take(cache);
  write(object + 100);
  size_t found = 0;
  lines_of([&] { found = ashlar_validate(); });
  EXPECT_EQ(found, 1u);
  ashlar_cache_free(cache, object);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST_F(CacheChecks, AlignmentsAreKept) {
  for (const size_t align : {64u, 256u, 4096u, 16384u}) {
    ashlar_cache* const cache = ashlar_cache_create("aligned", 200, align, kAll, nullptr);
    char* const object = take(cache);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(object) % align, 0u);
    memset(object, 1, 200);
    ashlar_cache_free(cache, object);
    EXPECT_EQ(ashlar_validate(), 0u);
    EXPECT_EQ(ashlar_cache_destroy(cache), 0);
  }
}

TEST_F(CacheChecks, ShareNoSlabsAndCountObjects) {
  ashlar_cache* const one = make("one", 100, kAll);
  ashlar_cache* const two = make("two", 100, kAll);
  char* const object = take(one);
  struct ashlar_cache_stats stats;
  EXPECT_EQ(ashlar_cache_snapshot(one, &stats), 0);
  EXPECT_EQ(stats.live, 1u);
  EXPECT_EQ(ashlar_cache_snapshot(two, &stats), 0);
  EXPECT_EQ(stats.live, 0u);
  EXPECT_EQ(ashlar_cache_destroy(two), 0);
  const std::string lines = lines_of([&] { EXPECT_EQ(ashlar_cache_destroy(one), -1); });
  EXPECT_NE(lines.find("1 object is still in use, at 0x"), std::string::npos) << lines;
  ashlar_cache_free(one, object);
  EXPECT_EQ(ashlar_cache_destroy(one), 0);
}

std::string malloc_info() {
  char* text = nullptr;
  size_t bytes = 0;
  std::FILE* const out = open_memstream(&text, &bytes);
  EXPECT_EQ(ashlar_malloc_info(0, out), 0);
  std::fclose(out);
  std::string info(text, bytes);
  std::free(text);
  return info;
}

TEST_F(CacheChecks, ReportsTellWhatIsChecked) {
  ashlar_cache* const all = make("all_checks", 100, kAll);
  ashlar_cache* const zones = make("zones", 100, ASHLAR_CACHE_RED_ZONE);
  ashlar_cache* const none = make("no_checks", 100, ASHLAR_CACHE_NO_MERGE);
  std::vector<char*> objects{take(all), take(zones), take(none)};
  const std::string info = malloc_info();
  const auto line_of = [&info](const std::string& name) {
    const size_t at = info.find("name=\"" + name + "\"");
    return at == std::string::npos ? "no " + name + " in " + info : info.substr(at, info.find('\n', at) - at);
  };
  EXPECT_NE(line_of("all_checks").find("checks=\"FZPU\"/>"), std::string::npos) << line_of("all_checks");
  EXPECT_NE(line_of("zones").find("checks=\"FZ\"/>"), std::string::npos) << line_of("zones");
  EXPECT_EQ(line_of("no_checks").find("checks="), std::string::npos) << line_of("no_checks");
  for (char* const object : objects) ashlar_free(object);
  for (ashlar_cache* const cache : {all, zones, none}) EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST_F(CacheChecks, AForkedChildChecksOn) {
  ashlar_cache* const cache = make("forked", 100, kAll);
  char* const object = take(cache);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    char* const own = take(cache);
    ashlar_cache_free(cache, object);
    bool good = ashlar_validate() == 0;
    write(own + 100);
    size_t found = 0;
    lines_of([&] { found = ashlar_validate(); });
    good = good && found == 1;
    ashlar_cache_free(cache, own);
    _exit(good && ashlar_cache_destroy(cache) == 0 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  ashlar_cache_free(cache, object);
  EXPECT_EQ(ashlar_validate(), 0u);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

// The first cache with flags comes beside threads that allocate, fork and validate.
TEST_F(CacheChecks, BeginBesideThreads) {
  std::atomic<bool> done{false};
  std::thread allocator([&] {
    while (!done) ashlar_free(ashlar_malloc(500));
  });
  std::thread forker([&] {
    while (!done) {
      const pid_t child = fork();
      if (child == 0) _exit(ashlar_validate() == 0 ? 0 : 1);
      int status = -1;
      waitpid(child, &status, 0);
      EXPECT_EQ(status, 0);
    }
  });
  std::vector<std::thread> users;
  for (int i = 0; i < 3; ++i) {
    users.emplace_back([] {
      for (int round = 0; round < 20; ++round) {
        ashlar_cache* const cache = make("threads", 100, kAll & ~ASHLAR_CACHE_STORE_USER);
        std::vector<char*> objects(200);
        for (char*& object : objects) memset(object = take(cache), round, 100);
        std::thread other([&] {
          for (size_t k = 0; k < objects.size(); k += 2) ashlar_cache_free(cache, objects[k]);
        });
        for (size_t k = 1; k < objects.size(); k += 2) ashlar_cache_free(cache, objects[k]);
        other.join();
        EXPECT_EQ(ashlar_cache_destroy(cache), 0);
      }
    });
  }
  for (std::thread& user : users) user.join();
  done = true;
  allocator.join();
  forker.join();
  EXPECT_EQ(ashlar_validate(), 0u);
}

TEST_F(CacheChecks, UnknownFlagsAreRefused) {
  errno = 0;
  const std::string lines = lines_of([] { EXPECT_EQ(ashlar_cache_create("odd", 8, 0, 64, nullptr), nullptr); });
  EXPECT_EQ(errno, EINVAL);
  EXPECT_TRUE(ashlar_test::is_one_line_with(lines, "unknown flags 0x40: it takes ASHLAR_CACHE_HWALIGN, NO_MERGE, "));
}

}  // namespace
