// Tests ashlar/heap.h: blocks that are freed at once, the limits and figures of heaps, and wrong use.
#include "ashlar/heap.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "line.h"
#include "support/emulated.h"

namespace {

using ashlar_test::is_one_line_with;
using ashlar_test::lines_of;

// The compiler must not know what becomes of a block.
void* (*volatile resize)(void*, size_t) = ashlar_realloc;
void (*volatile release)(void*) = ashlar_free;
void (*volatile heap_free)(ashlar_heap*, void*) = ashlar_heap_free;

struct HeapTest : testing::Test {
  ashlar_heap* heap = ashlar_heap_create("test", 0);
  ~HeapTest() override {
    ashlar_heap_destroy(heap);
    EXPECT_EQ(ashlar_validate(), 0U);
  }
  [[nodiscard]] ashlar_heap_figures figures() const {
    ashlar_heap_figures f{};
    EXPECT_EQ(ashlar_heap_stats(heap, &f), 0);
    return f;
  }
};
size_t visits = 0;

struct HeapDeathTest : HeapTest {};

// Of each way to hold a block: slabs, spans, runs, mappings.
constexpr size_t kSizes[] = {0,    1,     16,    100,   512,     1000,    4096,    4097,
                             9000, 32768, 32769, 70000, 1 << 20, 3 << 20, 40 << 20};

char* fill(void* p, size_t size) {
  memset(p, static_cast<int>(size % 251), size);
  return static_cast<char*>(p);
}
bool is_filled(const char* p, size_t size, size_t with) {
  const auto byte = static_cast<char>(with % 251);
  return size == 0 || (p[0] == byte && p[size - 1] == byte && p[size / 2] == byte);
}

TEST_F(HeapTest, GivesBlocksOfAnySizeThatPlainFunctionsKnow) {
  for (const size_t size : kSizes) {
    char* const p = fill(ashlar_heap_malloc(heap, size), size);
    ASSERT_NE(p, nullptr) << size;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % 16, 0U);
    EXPECT_GE(ashlar_malloc_usable_size(p), size);
    EXPECT_EQ(ashlar_heap_of(p), heap) << size;
    auto* const larger = static_cast<char*>(resize(p, size * 2 + 1));
    ASSERT_NE(larger, nullptr) << size;
    EXPECT_EQ(ashlar_heap_of(larger), heap) << "realloc leaves a block in its heap";
    EXPECT_TRUE(is_filled(larger, size, size));
    EXPECT_EQ(ashlar_validate(), 0U);
    release(larger);
  }
  EXPECT_EQ(figures().blocks, 0U);
}

TEST_F(HeapTest, ReallocOfTheHeapKeepsContents) {
  char* p = nullptr;
  size_t before = 0;
  for (const size_t size : kSizes) {
    if (size == 0) continue;
    p = static_cast<char*>(ashlar_heap_realloc(heap, p, size));
    ASSERT_NE(p, nullptr);
    EXPECT_TRUE(is_filled(p, before, before)) << before << " to " << size;
    fill(p, before = size);
  }
  for (const size_t* size = std::end(kSizes) - 1; size != kSizes; --size) {
    p = static_cast<char*>(ashlar_heap_realloc(heap, p, *size));
    ASSERT_NE(p, nullptr);
    EXPECT_TRUE(is_filled(p, *size, before)) << *size;
    EXPECT_EQ(figures().blocks, 1U);
  }
  EXPECT_EQ(ashlar_heap_realloc(heap, p, 0), nullptr);
  EXPECT_EQ(figures().blocks, 0U);
}

TEST_F(HeapTest, ZallocAndMemalignDoWhatTheySay) {
  for (const size_t size : kSizes) {
    if (size > 4 << 20) continue;
    memset(ashlar_heap_malloc(heap, size), 'x', size);
    ashlar_heap_reset(heap);
    const auto* const p = static_cast<const char*>(ashlar_heap_zalloc(heap, size));
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(std::count(p, p + size, 0), static_cast<ptrdiff_t>(size));
  }
  for (size_t alignment = 1; alignment <= 8 << 20; alignment *= 2) {
    for (const size_t size : {size_t{0}, size_t{1}, size_t{100}, size_t{5000}, size_t{100000}}) {
      void* const p = ashlar_heap_memalign(heap, alignment, size);
      ASSERT_NE(p, nullptr);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % alignment, 0U);
      EXPECT_EQ(ashlar_heap_of(p), heap);
      memset(p, 1, size);
    }
  }
  EXPECT_EQ(ashlar_heap_memalign(heap, 48, 1), nullptr);
  EXPECT_EQ(errno, EINVAL);
}

TEST_F(HeapTest, EndsWithAllThatIsInIt) {
  ashlar_stats before{}, after{};
  for (int round = 0; round < 3; ++round) {
    if (round == 1) ashlar_stats_snapshot(&before, sizeof before);
    ashlar_heap* const other = ashlar_heap_create(nullptr, 0);
    for (int i = 0; i < 20000; ++i) ASSERT_NE(ashlar_heap_malloc(other, static_cast<size_t>(i % 700)), nullptr);
    for (const size_t size : kSizes) ASSERT_NE(ashlar_heap_malloc(other, size), nullptr);
    ASSERT_EQ(ashlar_heap_destroy(other), 0);
  }
  ashlar_stats_snapshot(&after, sizeof after);
  EXPECT_EQ(after.live_runs, before.live_runs) << "all pages came back";
  EXPECT_EQ(after.live_vmalloc, before.live_vmalloc);
  EXPECT_EQ(ashlar_validate(), 0U);
}

TEST_F(HeapTest, ResetFreesAllAndKeepsPagesForTheNext) {
  for (int i = 0; i < 3000; ++i) ashlar_heap_malloc(heap, 100);
  const size_t bytes = figures().bytes;
  ASSERT_EQ(ashlar_heap_reset(heap), 0);
  EXPECT_EQ(figures().blocks, 0U);
  EXPECT_EQ(figures().bytes, bytes);
  for (int i = 0; i < 3000; ++i) ashlar_heap_malloc(heap, 200);
  EXPECT_EQ(figures().blocks, 3000U);
  ashlar_heap_malloc(heap, 30 << 20);
  ashlar_heap_reset(heap);
  EXPECT_LE(figures().bytes, 1U << 20);
  EXPECT_GT(ashlar_heap_trim(heap), 0U);
  EXPECT_EQ(figures().bytes, 0U);
}

TEST_F(HeapTest, DeleteLeavesWhatLivesToTheDefaultHeap) {
  ashlar_heap* const other = ashlar_heap_create("other", 0);
  std::vector<char*> blocks;
  for (int i = 0; i < 200; ++i) {
    for (const size_t size : kSizes) {
      if (size > 70000 && i != 0) continue;
      blocks.push_back(fill(ashlar_heap_malloc(other, size), size));
    }
  }
  for (size_t i = 0; i < blocks.size(); i += 2) ashlar_heap_free(other, blocks[i]);
  ASSERT_EQ(ashlar_heap_delete(other), 0);
  EXPECT_EQ(ashlar_validate(), 0U);
  for (size_t i = 1; i < blocks.size(); i += 2) {
    EXPECT_EQ(ashlar_heap_of(blocks[i]), nullptr);
    const size_t bytes = ashlar_malloc_usable_size(blocks[i]);
    ASSERT_NE(bytes, 0U);
    auto* const moved = static_cast<char*>(resize(blocks[i], bytes + 100));
    ASSERT_NE(moved, nullptr);
    release(moved);
  }
  EXPECT_EQ(ashlar_validate(), 0U);
}

// Regression: each delete left a chunk without blocks to the default heap, which nothing took from it.
TEST_F(HeapTest, DeleteGivesFreePagesBack) {
  ashlar_stats before{}, after{};
  for (int round = 0; round < 30; ++round) {
    if (round == 10) ashlar_stats_snapshot(&before, sizeof before);
    ashlar_heap* const other = ashlar_heap_create(nullptr, 0);
    for (int i = 0; i < 3000; ++i) ashlar_heap_malloc(other, 100);
    ASSERT_EQ(ashlar_heap_reset(other), 0);  // keeps chunks at hand
    ashlar_heap_free(other, ashlar_heap_malloc(other, 16));
    ASSERT_EQ(ashlar_heap_delete(other), 0);
  }
  ashlar_stats_snapshot(&after, sizeof after);
  EXPECT_LE(after.live_runs, before.live_runs + (1 << 16)) << "bytes in 20 rounds";
  EXPECT_EQ(ashlar_validate(), 0U);
}

// Regression: the peak counted what was asked for and not to be had.
TEST_F(HeapTest, APeakIsWhatTheHeapHad) {
  if (kEmulated) GTEST_SKIP() << "the emulator notes each page of a mapping, which takes all memory for one of 64 TiB";
  EXPECT_EQ(ashlar_heap_malloc(heap, size_t{1} << 46), nullptr);
  release(ashlar_heap_malloc(heap, 100000));
  EXPECT_GE(figures().peak_bytes, 100000U);
  EXPECT_LE(figures().peak_bytes, 200000U);
}

TEST_F(HeapTest, VisitFindsEachBlockInUseAndMayFreeIt) {
  std::set<void*> blocks;
  for (int i = 0; i < 500; ++i) {
    for (const size_t size : kSizes) {
      if (size <= 70000) blocks.insert(ashlar_heap_malloc(heap, size));
    }
  }
  for (auto at = blocks.begin(); at != blocks.end();) {
    ashlar_heap_free(heap, *at);
    at = blocks.erase(at);
    for (int i = 0; i < 2 && at != blocks.end(); ++i) ++at;
  }
  EXPECT_EQ(figures().blocks, blocks.size());
  std::set<void*> seen;
  const auto note = [](void* block, size_t bytes, void* data) {
    EXPECT_EQ(ashlar_malloc_usable_size(block), bytes);
    EXPECT_TRUE(static_cast<std::set<void*>*>(data)->insert(block).second) << "each once";
    return 0;
  };
  EXPECT_EQ(ashlar_heap_visit(heap, note, &seen), 0);
  EXPECT_EQ(seen, blocks);
  const auto third = [](void*, size_t, void* data) { return ++*static_cast<int*>(data) == 3 ? 7 : 0; };
  int visited = 0;
  EXPECT_EQ(ashlar_heap_visit(heap, third, &visited), 7);
  EXPECT_EQ(visited, 3);
  const auto end = [](void* block, size_t, void* data) {
    ++visits;
    ashlar_heap_free(static_cast<ashlar_heap*>(data), block);
    return 0;
  };
  visits = 0;
  EXPECT_EQ(ashlar_heap_visit(heap, end, heap), 0);
  EXPECT_EQ(visits, blocks.size());
  EXPECT_EQ(figures().blocks, 0U);
  ashlar_heap_trim(heap);
  EXPECT_EQ(figures().bytes, 0U);
}

TEST_F(HeapTest, LimitRefusesMoreAndAsksFirst) {
  ASSERT_EQ(ashlar_heap_set_limit(heap, 1 << 20, nullptr, nullptr), 0);
  int taken = 0;
  for (errno = 0; ashlar_heap_malloc(heap, 1000) != nullptr; ++taken) ASSERT_LT(taken, 2000);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_GT(taken, 900) << "chunks are used whole";
  EXPECT_LE(figures().bytes, 1U << 20);
  EXPECT_EQ(ashlar_heap_malloc(heap, 1 << 20), nullptr);
  const auto raise = [](ashlar_heap* of, size_t size, void* data) {
    *static_cast<size_t*>(data) += size;
    return ashlar_heap_set_limit(of, 4 << 20, nullptr, nullptr) == 0 ? 1 : 0;
  };
  size_t asked = 0;
  ashlar_heap_set_limit(heap, 1 << 20, raise, &asked);
  EXPECT_NE(ashlar_heap_malloc(heap, 1 << 20), nullptr);
  EXPECT_EQ(asked, 1U << 20);
  EXPECT_EQ(figures().limit, 4U << 20);
  ashlar_heap_reset(heap);
  EXPECT_NE(ashlar_heap_malloc(heap, 1 << 20), nullptr) << "what was freed counts no more";
}

TEST_F(HeapTest, ReallocAtTheLimitAsksToo) {
  ASSERT_EQ(ashlar_heap_set_limit(heap, 1 << 20, nullptr, nullptr), 0);
  void* p = ashlar_heap_malloc(heap, 200000);
  for (const auto grow : {+[](ashlar_heap*of, void*block, size_t size) { return ashlar_heap_realloc(of, block, size); },
                          +[](ashlar_heap*, void*block, size_t size) { return resize(block, size); }}) {
    ashlar_heap_set_limit(heap, 1 << 20, nullptr, nullptr);
    EXPECT_EQ(grow(heap, p, 2 << 20), nullptr);
    int asked = 0;
    const auto raise = [](ashlar_heap* of, size_t, void* count) {
      ++*static_cast<int*>(count);
      return ashlar_heap_set_limit(of, 8 << 20, nullptr, nullptr) == 0 ? 1 : 0;
    };
    ashlar_heap_set_limit(heap, 1 << 20, raise, &asked);
    void* const larger = grow(heap, p, 2 << 20);
    ASSERT_NE(larger, nullptr);
    EXPECT_EQ(asked, 1);
    p = ashlar_heap_realloc(heap, larger, 200000);
  }
}

TEST_F(HeapTest, FiguresCountBlocks) {
  void* const small = ashlar_heap_malloc(heap, 100);
  void* const large = ashlar_heap_malloc(heap, 100000);
  EXPECT_EQ(figures().blocks, 2U);
  EXPECT_EQ(figures().used_bytes, ashlar_malloc_usable_size(small) + ashlar_malloc_usable_size(large));
  EXPECT_EQ(figures().large, 1U);
  EXPECT_EQ(figures().chunks, 1U);
  heap_free(heap, large);
  EXPECT_EQ(figures().blocks, 1U);
  EXPECT_GT(figures().peak_bytes, figures().bytes);
  EXPECT_STREQ(ashlar_heap_name(heap), "test");
}

TEST_F(HeapTest, RefusesWrongArguments) {
  const auto refused = [](auto call) { return lines_of([&] { EXPECT_EQ((errno = 0, call()), -1); }); };
  alignas(64) static char zeros[1024];
  auto* const zero = reinterpret_cast<ashlar_heap*>(zeros);
  EXPECT_TRUE(is_one_line_with(refused([&] { return ashlar_heap_destroy(zero); }), "is not a heap, or was ended"));
  EXPECT_TRUE(is_one_line_with(refused([&] { return ashlar_heap_reset(zero); }), "is not a heap, or was ended"));
  EXPECT_TRUE(is_one_line_with(refused([&] { return ashlar_heap_stats(heap, nullptr); }),
                               "the pointer to the figures must not be NULL"));
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_heap_malloc(zero, 5), nullptr); }), "is not a heap"));
  EXPECT_TRUE(is_one_line_with(lines_of([] { EXPECT_EQ(ashlar_heap_create("a", 8), nullptr); }), "unknown flags"));
  EXPECT_TRUE(is_one_line_with(lines_of([] { EXPECT_EQ(ashlar_heap_create("a\n", 0), nullptr); }), "control"));
  const std::string longer(40, 'n');
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_heap_create(longer.c_str(), 0), nullptr); }), "31"));
  EXPECT_EQ(errno, ENAMETOOLONG);
}

TEST_F(HeapTest, RefusesNull) {
  void* (*volatile const take)(ashlar_heap*, size_t) = ashlar_heap_malloc;
  errno = 0;
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(take(nullptr, 64), nullptr); }),
                               "ashlar_heap_malloc(): the heap must not be NULL"));
  EXPECT_EQ(errno, EINVAL);
}

TEST_F(HeapTest, RefusesASecondEnd) {
  ashlar_heap* const other = ashlar_heap_create("other", 0);
  ASSERT_EQ(ashlar_heap_destroy(other), 0);
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_heap_destroy(other), -1); }), "or was ended"));
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_heap_malloc(other, 8), nullptr); }), "or was ended"));
  EXPECT_EQ(errno, EINVAL);
}

TEST_F(HeapTest, RefusesBlocksOfOthers) {
  ashlar_heap* const other = ashlar_heap_create("other", 0);
  void* const theirs = ashlar_heap_malloc(other, 100);
  void* const plain = ashlar_malloc(100);
  EXPECT_TRUE(is_one_line_with(lines_of([&] { heap_free(heap, theirs); }), "of the heap \"test\", but of \"other\""));
  EXPECT_TRUE(is_one_line_with(lines_of([&] { heap_free(heap, plain); }), "is not a block of the heap \"test\""));
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_heap_realloc(heap, theirs, 9), nullptr); }), "other"));
  EXPECT_EQ(ashlar_heap_of(plain), nullptr);
  release(plain);
  ashlar_heap_destroy(other);
}

TEST_F(HeapDeathTest, AnAddressWithinABlockIsTold) {
  for (const size_t size : {size_t{100}, size_t{5000}, size_t{100000}}) {
    auto* const p = static_cast<char*>(ashlar_heap_malloc(heap, size));
    if (size <= 32768) EXPECT_DEATH(heap_free(heap, p + 16), "invalid pointer 0x[0-9a-f]+: not the start of a block");
    else
      EXPECT_TRUE(is_one_line_with(lines_of([&] { heap_free(heap, p + 16); }), "is not a block of the heap \"test\""));
    EXPECT_DEATH(release(p + 16), "free\\(\\): invalid pointer 0x[0-9a-f]+: not the start of a block");
  }
}

TEST_F(HeapDeathTest, ASecondFreeIsTold) {
  for (const size_t size : {size_t{100}, size_t{5000}}) {
    void* const p = ashlar_heap_malloc(heap, size);
    EXPECT_DEATH((heap_free(heap, p), heap_free(heap, p)), "double free of 0x[0-9a-f]+") << size;
    EXPECT_DEATH((release(p), release(p)), "double free of 0x[0-9a-f]+") << size;
  }
  void* const large = ashlar_heap_malloc(heap, 100000);
  EXPECT_DEATH((release(large), release(large)), "double free of 0x[0-9a-f]+");
}

// A block of a heap that ended: nothing lies there any more, so that its free is told as long as nothing else does.
TEST_F(HeapDeathTest, AFreeAfterTheEndIsTold) {
  for (const size_t size : {size_t{100}, size_t{5000}, size_t{100000}}) {
    const auto free_late = [size] {
      ashlar_heap* const other = ashlar_heap_create("other", 0);
      void* const p = ashlar_heap_malloc(other, size);
      ashlar_heap_destroy(other);
      release(p);
    };
    EXPECT_DEATH(free_late(), "0x[0-9a-f]+: (the block is already free|not the start of a block)") << size;
  }
}

TEST_F(HeapTest, PushedIsWhatPlainFunctionsTakeFrom) {
  void* const before = ashlar_malloc(100);
  ASSERT_EQ(ashlar_heap_push(heap), 0);
  for (const size_t size : kSizes) {
    char* p = fill(ashlar_malloc(size), size);
    EXPECT_EQ(ashlar_heap_of(p), heap) << size;
    p = static_cast<char*>(resize(p, size + 5000));
    EXPECT_EQ(ashlar_heap_of(p), heap) << size;
    EXPECT_TRUE(is_filled(p, size, size));
    release(p);
    auto* const zeros = static_cast<char*>(ashlar_calloc(1, size));
    EXPECT_EQ(ashlar_heap_of(zeros), heap) << size;
    EXPECT_TRUE(std::all_of(zeros, zeros + size, [](char c) { return c == 0; })) << size;
    release(zeros);
    void* const aligned = ashlar_aligned_alloc(256, size);
    EXPECT_EQ(ashlar_heap_of(aligned), heap) << size;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(aligned) % 256, 0U);
    release(aligned);
  }
  EXPECT_EQ(figures().blocks, 0U);
  void* const moved = resize(before, 5000);
  EXPECT_EQ(ashlar_heap_of(moved), nullptr) << "realloc leaves a block in its heap";
  void* const shrunk = resize(moved, 20);
  EXPECT_EQ(ashlar_heap_of(shrunk), nullptr);
  release(shrunk);
  void* const kept = ashlar_malloc(100);
  ASSERT_EQ(ashlar_heap_pop(), 0);
  void* const after = ashlar_malloc(100);
  EXPECT_EQ(ashlar_heap_of(after), nullptr);
  EXPECT_EQ(ashlar_heap_of(kept), heap);
  release(after);
  release(kept);
}

TEST_F(HeapTest, PushesNestAndEndInTheirOrder) {
  ashlar_heap* const inner = ashlar_heap_create("inner", 0);
  for (ashlar_heap* const each : {heap, inner, inner, heap}) ASSERT_EQ(ashlar_heap_push(each), 0);
  for (ashlar_heap* const each : {heap, inner, inner, heap}) {
    EXPECT_EQ(ashlar_heap_of(ashlar_malloc(40)), each);
    ASSERT_EQ(ashlar_heap_pop(), 0);
  }
  EXPECT_EQ(ashlar_heap_destroy(inner), 0);
  for (int i = 0; i < ASHLAR_HEAP_PUSH_MAX; ++i) ASSERT_EQ(ashlar_heap_push(heap), 0);
  errno = 0;
  EXPECT_TRUE(is_one_line_with(lines_of([&] { EXPECT_EQ(ashlar_heap_push(heap), -1); }),
                               "ashlar_heap_push(): this thread has pushed 64 heaps"));
  EXPECT_EQ(errno, ENOMEM);
  for (int i = 0; i < ASHLAR_HEAP_PUSH_MAX; ++i) ASSERT_EQ(ashlar_heap_pop(), 0);
}

TEST_F(HeapTest, PushesThatAreWrongAreRefused) {
  const auto refuses = [](auto call, int error, const char* words) {
    testing::internal::CaptureStderr();
    errno = 0;
    const int result = call();
    const int now = errno;
    const std::string line = testing::internal::GetCapturedStderr();
    return result == -1 && now == error && line.find(words) != std::string::npos;
  };
  EXPECT_TRUE(refuses([] { return ashlar_heap_pop(); }, EINVAL, "ashlar_heap_pop(): this thread has pushed no heap"));
  EXPECT_TRUE(
      refuses([] { return ashlar_heap_push(nullptr); }, EINVAL, "ashlar_heap_push(): the heap must not be NULL"));
  ASSERT_EQ(ashlar_heap_push(heap), 0);
  EXPECT_TRUE(refuses([this] { return ashlar_heap_destroy(heap); }, EBUSY, "is pushed by a thread: pop it first"));
  EXPECT_TRUE(refuses([this] { return ashlar_heap_delete(heap); }, EBUSY, "is pushed by a thread: pop it first"));
  EXPECT_EQ(ashlar_heap_of(ashlar_malloc(40)), heap) << "it goes on";
  ASSERT_EQ(ashlar_heap_pop(), 0);
  EXPECT_TRUE(refuses([] { return ashlar_heap_pop(); }, EINVAL, "this thread has pushed no heap"));
}

TEST_F(HeapTest, PushedFailsAtItsLimitAsMallocDoes) {
  ASSERT_EQ(ashlar_heap_set_limit(heap, 1 << 20, nullptr, nullptr), 0);
  ASSERT_EQ(ashlar_heap_push(heap), 0);
  errno = 0;
  EXPECT_EQ(ashlar_malloc(2 << 20), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  ASSERT_EQ(ashlar_heap_pop(), 0);
}

TEST_F(HeapTest, PushesEndWithTheirThread) {
  ASSERT_EQ(ashlar_heap_push(heap), 0);
  std::thread([this] {
    release(ashlar_malloc(40));
    void* const p = ashlar_malloc(40);
    EXPECT_EQ(ashlar_heap_of(p), nullptr) << "a push is its thread's alone";
    release(p);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ashlar_heap_push(heap), 0);
    EXPECT_EQ(ashlar_heap_of(ashlar_malloc(40)), heap);
  }).join();
  EXPECT_EQ(ashlar_heap_of(ashlar_malloc(40)), heap);
  ASSERT_EQ(ashlar_heap_pop(), 0);
  ASSERT_EQ(ashlar_heap_destroy(heap), 0) << "nothing of the thread is left";
  heap = ashlar_heap_create("test", 0);
  std::thread([] {
    void* const p = ashlar_malloc(40);
    EXPECT_EQ(ashlar_heap_of(p), nullptr);
    EXPECT_EQ(ashlar_heap_pop(), -1);
    release(p);
  }).join();
}

TEST_F(HeapTest, ForkedChildrenHaveThePushesOfTheThreadThatForks) {
  ashlar_heap* const other = ashlar_heap_create("other", 0);
  std::atomic<bool> pushed{false}, end{false};
  std::thread thread([&] {
    EXPECT_EQ(ashlar_heap_push(other), 0);
    pushed = true;
    while (!end) std::this_thread::yield();
  });
  while (!pushed) std::this_thread::yield();
  ASSERT_EQ(ashlar_heap_push(heap), 0);
  const pid_t child = fork();
  if (child == 0) {
    const bool kept = ashlar_heap_of(ashlar_malloc(40)) == heap;
    const bool others_end = ashlar_heap_destroy(other) == 0;
    _exit(kept && others_end && ashlar_heap_pop() == 0 && ashlar_heap_pop() == -1 ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(ashlar_heap_of(ashlar_malloc(40)), heap);
  end = true;
  thread.join();
  ASSERT_EQ(ashlar_heap_pop(), 0);
  EXPECT_EQ(ashlar_heap_destroy(other), 0);
}

}  // namespace
