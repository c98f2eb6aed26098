// heap: tests threads on several (fake) nodes.
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "ashlar/cache.h"
#include "ashlar/nodes.h"
#include "heap/heap_fixture.h"
#include "heap/named_bins.h"

namespace ashlar::heap {
namespace {

constexpr std::size_t kSizes[] = {16, 100, 1000, 4096, 30000, 100000, 3 << 20};

class HeapNodes : public testing::TestWithParam<unsigned> {
 protected:
  HeapNodes() { options.numa_fake = GetParam(); }
  static int nodes() { return static_cast<int>(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Of, HeapNodes, testing::Values(1, 2, 4));

TEST_P(HeapNodes, EachThreadsBlocksLieOnItsNode) {
  for (int i = 0; i < 2 * nodes(); ++i) {
    std::thread([] {
      const int own = ashlar_current_node();
      for (const std::size_t size : kSizes) {
        for (void* const p : get_many(size, 20)) {
          EXPECT_EQ(ashlar_node_of(p), own) << size;
          put(p);
        }
      }
    }).join();
  }
  EXPECT_EQ(ashlar_node_count(), nodes());
  std::size_t used = 0;
  for (int i = 0; i < nodes(); ++i) used += page::counts(NodeId(static_cast<unsigned>(i))).arenas > 0;
  EXPECT_EQ(used, static_cast<std::size_t>(nodes())) << "threads are spread over all nodes";
}

TEST_P(HeapNodes, AnObjectThatIsWishedFromANodeLiesThereWhateverTheDepotHas) {
  ashlar_cache* const cache = ashlar_cache_create("wished", 5000, 0, 0, nullptr);
  slab::Handle& handle = *reinterpret_cast<slab::Handle*>(cache);
  std::vector<void*> mixed;
  for (int i = 0; i < nodes(); ++i) {
    std::thread([&] {
      for (int k = 0; k < 40; ++k) mixed.push_back(ashlar_cache_alloc(cache));
    }).join();
  }
  std::thread([&] {
    // in turn, so that magazines have objects of all nodes
    for (std::size_t k = 0; k < 40; ++k) {
      for (std::size_t i = 0; i < mixed.size() / 40; ++i) ashlar_cache_free(cache, mixed[i * 40 + k]);
    }
  }).join();
  for (int i = 0; i < nodes(); ++i) {
    std::vector<void*> wished;
    for (int k = 0; k < 100; ++k) {
      wished.push_back(allocate_wished(*handle.named, {NodeId(static_cast<unsigned>(i)), true, false}));
      ASSERT_NE(wished.back(), nullptr);
      EXPECT_EQ(ashlar_node_of(wished.back()), i);
    }
    for (void* const object : wished) ashlar_cache_free(cache, object);
  }
  EXPECT_EQ(ashlar_cache_destroy(cache), 0);
}

TEST_P(HeapNodes, WhatAnotherNodesThreadFreesGoesBackToItsOwnNode) {
  std::vector<void*> blocks;
  std::thread([&] {
    for (const std::size_t size : kSizes) {
      for (void* const p : get_many(size, 50)) blocks.push_back(p);
    }
  }).join();
  std::thread([&] { put_all(blocks); }).join();
  shrink();
  for (unsigned c = 1; c < slab::kClasses; ++c) EXPECT_EQ(slab::counts(SizeClass(c)).out, 0u);
  for (int i = 0; i < nodes(); ++i) EXPECT_EQ(page::counts(NodeId(static_cast<unsigned>(i))).live().raw, 0u);
}

// No vector: AddressSanitizer's own malloc serves those, and takes no lock before a fork.
template <std::size_t kN>
void get_and_put(std::size_t size) {
  void* blocks[kN];
  for (void*& block : blocks) block = get(size);
  for (void* const block : blocks) put(block);
}

TEST_P(HeapNodes, AChildOfAForkHasTheNodesOfItsParent) {
  std::vector<void*> blocks = get_many(100, 50);
  std::vector<std::thread> threads;
  std::atomic<bool> stop{false};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (!stop) get_and_put<100>(500);
    });
  }
  for (int round = 0; round < 20; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      const bool good = ashlar_node_count() == nodes() && ashlar_node_of(blocks[0]) == ashlar_current_node();
      put_all(blocks);
      get_and_put<1000>(500);
      _exit(good ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

TEST_P(HeapNodes, AStrangersAddressIsOnNoNodeAndAMappingsIsUnknownOnFakeOnes) {
  int local = 0;
  errno = 0;
  EXPECT_EQ(ashlar_node_of(&local), -1);
  EXPECT_EQ(errno, EFAULT);
  errno = 0;
  EXPECT_EQ(ashlar_node_of(nullptr), -1);
  EXPECT_EQ(errno, EFAULT);
  for (unsigned bit = 47; bit < 64; ++bit) {
    errno = 0;
    EXPECT_EQ(ashlar_node_of(reinterpret_cast<const void*>(std::uintptr_t{1} << bit)), -1) << bit;
    EXPECT_EQ(errno, EFAULT) << bit;
  }
  void* const mapped = get(40_MiB);
  errno = 0;
  EXPECT_EQ(ashlar_node_of(mapped), nodes() == 1 ? 0 : -1);
  EXPECT_EQ(errno, nodes() == 1 ? 0 : ENODATA);
  put(mapped);
}

TEST(HeapNodesOfTheMachine, TheCountIsAtLeastOneAndThisThreadIsOnOne) {
  EXPECT_GE(ashlar_node_count(), 1);
  EXPECT_GE(ashlar_current_node(), 0);
  void* const p = get(100);
  EXPECT_EQ(ashlar_node_of(p), ashlar_current_node());
  put(p);
}

TEST(HeapNodesOfTheMachine, WithNumaOffThereIsOne) {
  options.numa = 0;
  std::thread([] { put(get(100)); }).join();
  EXPECT_EQ(ashlar_node_count(), 1);
  EXPECT_EQ(ashlar_current_node(), 0);
}

}  // namespace
}  // namespace ashlar::heap
