// Tests ashlar/heap.hpp with standard containers.
#include <gtest/gtest.h>

#include <list>
#include <map>
#include <memory_resource>
#include <string>
#include <utility>
#include <vector>

#include "ashlar/heap.hpp"

namespace {

size_t blocks_of(const ashlar::heap& heap) {
  ashlar_heap_figures figures{};
  EXPECT_EQ(ashlar_heap_stats(heap.get(), &figures), 0);
  return figures.blocks;
}

TEST(CplusplusHeap, IsMovedAndEndsWithItsOwner) {
  ashlar::heap one("one");
  EXPECT_NE(ashlar_heap_malloc(one.get(), 100), nullptr);
  const ashlar::heap two(std::move(one));
  EXPECT_EQ(one.get(), nullptr);
  EXPECT_STREQ(ashlar_heap_name(two.get()), "one");
  EXPECT_EQ(blocks_of(two), 1U);
}

TEST(CplusplusHeap, IsPushedForAScope) {
  const ashlar::heap outer("outer"), inner("inner");
  {
    const ashlar::heap_scope in_outer(outer);
    {
      const ashlar::heap_scope in_inner(inner.get());
      EXPECT_EQ(ashlar_heap_of(ashlar_malloc(40)), inner.get());
    }
    EXPECT_EQ(ashlar_heap_of(ashlar_malloc(40)), outer.get());
  }
  void* const p = ashlar_malloc(40);
  EXPECT_EQ(ashlar_heap_of(p), nullptr);
  ashlar_free(p);
  EXPECT_THROW(ashlar::heap_scope(nullptr), std::system_error);
}

TEST(CplusplusHeap, ServesContainers) {
  struct alignas(64) Line {
    int value;
  };
  const ashlar::heap heap("containers");
  {
    std::vector<int, ashlar::heap_allocator<int>> numbers(heap);
    for (int i = 0; i < 100000; ++i) numbers.push_back(i);
    EXPECT_EQ(ashlar_heap_of(numbers.data()), heap.get());
    EXPECT_EQ(numbers[99999], 99999);
    const std::list<Line, ashlar::heap_allocator<Line>> lines(100, Line{7}, heap);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(&lines.back()) % 64, 0U);
    EXPECT_EQ(ashlar_heap_of(&lines.back()), heap.get());
  }
  EXPECT_EQ(blocks_of(heap), 0U);
}

TEST(CplusplusHeap, IsAMemoryResource) {
  ashlar::heap heap;
  ashlar::heap_resource resource(heap);
  {
    std::pmr::map<int, std::pmr::string> names(&resource);
    for (int i = 0; i < 1000; ++i) names.emplace(i, "a name that is too long for the string itself");
    EXPECT_GE(blocks_of(heap), 2000U);
  }
  EXPECT_EQ(blocks_of(heap), 0U);
  EXPECT_TRUE(resource.is_equal(resource));
  EXPECT_FALSE(resource.is_equal(*std::pmr::new_delete_resource()));
}

TEST(CplusplusHeap, NodesComeFromACache) {
  ashlar_cache* const cache = ashlar_cache_create("nodes", 64, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  const auto live = [cache] {
    struct ashlar_cache_stats stats {};
    ashlar_cache_snapshot(cache, &stats);
    return stats.live;
  };
  {
    using Pair = std::pair<const int, int>;
    std::map<int, int, std::less<>, ashlar::cache_allocator<Pair>> squares{ashlar::cache_allocator<Pair>(cache)};
    for (int i = 0; i < 1000; ++i) squares.emplace(i, i * i);
    EXPECT_EQ(live(), 1000U);
    EXPECT_EQ(squares.at(30), 900);
    const std::vector<int, ashlar::cache_allocator<int>> array(100, 5, ashlar::cache_allocator<int>(cache));
    EXPECT_EQ(live(), 1000U) << "arrays come from malloc";
  }
  EXPECT_EQ(live(), 0U);
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

}  // namespace
