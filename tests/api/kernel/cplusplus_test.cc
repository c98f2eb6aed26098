// Tests ashlar/cache.hpp, allocator.hpp and memory_resource.hpp with standard containers.
#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <list>
#include <map>
#include <memory_resource>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "ashlar/allocator.hpp"
#include "ashlar/cache.hpp"
#include "ashlar/memory_resource.hpp"
#include "line.h"

namespace {

struct Counted {
  static inline int live = 0;
  explicit Counted(int n) : value(n) {
    if (n < 0) throw std::invalid_argument("negative");
    ++live;
  }
  ~Counted() { --live; }
  int value;
};

TEST(CplusplusCache, MakesAndDestroysObjects) {
  ashlar::cache<Counted> cache("counted");
  EXPECT_STREQ(cache.name(), "counted");
  Counted* const one = cache.make(1);
  EXPECT_EQ(one->value, 1);
  {
    const auto two = cache.make_unique(2);
    EXPECT_EQ(two->value, 2);
    EXPECT_EQ(Counted::live, 2);
  }
  EXPECT_THROW((void)cache.make(-1), std::invalid_argument);
  EXPECT_EQ(Counted::live, 1);
  cache.destroy(one);
  cache.destroy(nullptr);
  EXPECT_EQ(Counted::live, 0);
  cache.shrink();
}

TEST(CplusplusCache, ThrowsTheErrorOfItsCreation) {
  const std::string line = ashlar_test::lines_of([] {
    try {
      const ashlar::cache<Counted> bad("a,b");
      ADD_FAILURE() << "no exception";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code().value(), EINVAL);
    }
  });
  EXPECT_TRUE(ashlar_test::is_one_line_with(line, "the name has a comma or a space"));
}

TEST(CplusplusCache, MakesManyAtOnce) {
  ashlar::cache<Counted> cache("bulk");
  Counted* objects[50];
  cache.make_bulk(50, objects, 7);
  EXPECT_EQ(Counted::live, 50);
  EXPECT_EQ(objects[49]->value, 7);
  cache.destroy_bulk(50, objects);
  EXPECT_EQ(Counted::live, 0);
  EXPECT_TRUE(cache.make_bulk(std::nothrow, 3, objects, 8));
  EXPECT_EQ(objects[2]->value, 8);
  cache.destroy_bulk(3, objects);
  EXPECT_THROW(cache.make_bulk(3, objects, -1), std::invalid_argument);
}

struct ThrowsAtTheFifth {
  static inline int made = 0, live = 0;
  ThrowsAtTheFifth() {
    if (++made == 5) throw std::runtime_error("the fifth");
    ++live;
  }
  ~ThrowsAtTheFifth() { --live; }
};

TEST(CplusplusCache, EndsWhatItMadeWhenAConstructorThrows) {
  ashlar::cache<ThrowsAtTheFifth> cache("fifth", ASHLAR_CACHE_NO_MERGE);
  ThrowsAtTheFifth* objects[10];
  EXPECT_THROW(cache.make_bulk(10, objects), std::runtime_error);
  EXPECT_EQ(ThrowsAtTheFifth::live, 0);
  ashlar_cache_stats stats;
  ASSERT_EQ(ashlar_cache_snapshot(cache.get(), &stats), 0);
  EXPECT_EQ(stats.live, 0u);
}

TEST(CplusplusCache, NothrowMakesAnObject) {
  ashlar::cache<Counted> cache("nothrow");
  Counted* const one = cache.make(std::nothrow, 4);
  ASSERT_NE(one, nullptr);
  EXPECT_EQ(one->value, 4);
  cache.destroy(one);
  EXPECT_THROW((void)cache.make(std::nothrow, -1), std::invalid_argument) << "what T throws is T's";
}

TEST(CplusplusCache, MovesAndEndsWithItsOwner) {
  for (int round = 0; round < 3; ++round) {
    ashlar::cache<Counted> from("moving");
    Counted* const object = from.make(1);
    ashlar::cache<Counted> to(std::move(from));
    to.destroy(object);
    ashlar::cache<Counted> third("third");
    third = std::move(to);
    EXPECT_STREQ(third.name(), "moving");
  }
}

TEST(CplusplusCache, PointersStayGoodWhenTheCacheMoves) {
  std::vector<ashlar::cache<Counted>> caches;
  std::vector<ashlar::cache<Counted>::unique_ptr> pointers;
  for (int i = 0; i < 20; ++i) {
    caches.emplace_back(("moved_" + std::to_string(i)).c_str());
    pointers.push_back(caches.back().make_unique(i));
  }
  EXPECT_EQ(ashlar_test::lines_of([&] { pointers.clear(); }), "");
  EXPECT_EQ(Counted::live, 0);
  EXPECT_EQ(ashlar_test::lines_of([&] { caches.clear(); }), "") << "an object is still in use";
}

// Its destructor would run before those of objects that were made earlier.
TEST(CplusplusMemoryResource, TheCommonOneIsNeverDestroyed) {
  EXPECT_EXIT(
      {
        std::atexit([] {
          // after the destructors of what was made since
          void* const memory = ashlar::resource()->allocate(100);
          ashlar::resource()->deallocate(memory, 100);
          _exit(*reinterpret_cast<void**>(ashlar::resource()) != nullptr ? 7 : 1);
        });
        static_cast<void>(ashlar::resource());
        exit(0);
      },
      testing::ExitedWithCode(7), "");
}

struct alignas(128) Wide {
  char bytes[200];
};

TEST(CplusplusCache, KeepsStrongAlignments) {
  ashlar::cache<Wide> cache("wide");
  const auto wide = cache.make_unique();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(wide.get()) % 128, 0u);
}

template <class T>
using A = ashlar::allocator<T>;

TEST(CplusplusAllocator, ServesStandardContainers) {
  std::vector<int, A<int>> vector;
  std::list<std::string, A<std::string>> list;
  std::deque<long, A<long>> deque;
  std::map<int, int, std::less<>, A<std::pair<const int, int>>> map;
  std::unordered_map<int, int, std::hash<int>, std::equal_to<>, A<std::pair<const int, int>>> hash;
  for (int i = 0; i < 5000; ++i) {
    vector.push_back(i);
    list.push_back(std::to_string(i));
    deque.push_front(i);
    map[i * 7919 % 5000] = hash[i] = i;
  }
  EXPECT_EQ(vector[4999], 4999);
  EXPECT_EQ(list.back(), "4999");
  EXPECT_EQ(deque.front(), 4999);
  EXPECT_EQ(map.size(), 5000u);
  EXPECT_EQ(hash.at(1234), 1234);
  const auto copy = vector;
  auto moved = std::move(vector);
  EXPECT_EQ(copy, moved);
  std::vector<Wide, A<Wide>> wide(3);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(wide.data()) % 128, 0u);
}

TEST(CplusplusAllocator, ThrowsWhereThereIsNoMemory) {
  A<int> allocator;
  EXPECT_THROW((void)allocator.allocate(SIZE_MAX), std::bad_array_new_length);
  EXPECT_THROW((void)allocator.allocate(size_t{1} << 58), std::bad_alloc);
  EXPECT_TRUE(allocator == A<long>());
  EXPECT_FALSE(allocator != A<long>());
}

TEST(CplusplusMemoryResource, ServesPolymorphicContainers) {
  ashlar::memory_resource own;
  std::pmr::vector<std::pmr::string> strings(&own);
  std::pmr::map<int, std::pmr::string> map(ashlar::resource());
  for (int i = 0; i < 3000; ++i) {
    strings.emplace_back(std::string(100, static_cast<char>('a' + i % 26)));
    map.emplace(i, "a value that is longer than a short string");
  }
  EXPECT_EQ(strings[27][0], 'b');
  EXPECT_EQ(map.size(), 3000u);
  std::pmr::unsynchronized_pool_resource pools(&own);
  std::pmr::set<int> set(&pools);
  for (int i = 0; i < 3000; ++i) set.insert(i);
  EXPECT_EQ(*set.rbegin(), 2999);
}

TEST(CplusplusMemoryResource, AlignsComparesAndThrows) {
  ashlar::memory_resource one;
  EXPECT_TRUE(one.is_equal(*ashlar::resource()));
  EXPECT_FALSE(one.is_equal(*std::pmr::new_delete_resource()));
  void* const memory = one.allocate(100, 4096);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 4096, 0u);
  ashlar::resource()->deallocate(memory, 100, 4096);
  EXPECT_THROW((void)one.allocate(SIZE_MAX / 2), std::bad_alloc);
}

}  // namespace
