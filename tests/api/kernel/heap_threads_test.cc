// Tests ashlar/heap.h on several threads and in forked children.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ashlar/ashlar.h"
#include "ashlar/heap.h"
#include "line.h"
#include "support/emulated.h"

namespace {

using ashlar_test::is_one_line_with;
using ashlar_test::lines_of;

void (*volatile release)(void*) = ashlar_free;
void* (*volatile resize)(void*, size_t) = ashlar_realloc;

constexpr int kThreads = 4;

size_t size_for(unsigned random) {
  switch (random >> 8 & 15) {
    case 0: return 32769 + (random >> 12) % 100000;
    case 1:
    case 2: return (random >> 12) % 32768;
    default: return (random >> 12) % 600;
  }
}

struct Slots {
  std::mutex mutex;
  unsigned char* blocks[256] = {};
  unsigned char* exchange(unsigned at, unsigned char* p) {
    const std::lock_guard guard(mutex);
    std::swap(blocks[at % 256], p);
    return p;
  }
};

bool is_whole(const unsigned char* p) {
  const size_t bytes = ashlar_malloc_usable_size(const_cast<unsigned char*>(p));
  return bytes < 16 || p[0] == p[bytes / 2 - 1];
}

// What one thread allocates another frees, by every way to free.
void churn(ashlar_heap* heap, Slots& slots, unsigned seed, std::atomic<int>& wrong) {
  unsigned random = seed;
  for (int i = 0; i < 5000; ++i) {
    random = random * 1664525U + 1013904223U;
    const size_t size = size_for(random);
    auto* p = static_cast<unsigned char*>(ashlar_heap_malloc(heap, size));
    if (p == nullptr) continue;
    memset(p, static_cast<int>(random >> 16), ashlar_malloc_usable_size(p));
    if (i % 13 == 0) p = static_cast<unsigned char*>(ashlar_heap_realloc(heap, p, size / 2 + 9));
    if (p != nullptr && !is_whole(p)) ++wrong;
    p = slots.exchange(random >> 20, p);
    if (p == nullptr) continue;
    if (!is_whole(p)) ++wrong;
    if (i % 2 == 0) release(p);
    else ashlar_heap_free(heap, p);
  }
}

TEST(HeapThreads, ShareAHeapAndFreeEachOthersBlocks) {
  for (int round = 0; round < 3; ++round) {
    ashlar_heap* const heap = ashlar_heap_create("shared", 0);
    std::atomic<int> wrong{0};
    Slots slots;
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < kThreads; ++t) threads.emplace_back([&, t] { churn(heap, slots, 7 * t + 1, wrong); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(ashlar_validate(), 0U);
    size_t live = 0;
    for (const unsigned char* const block : slots.blocks) live += block != nullptr ? 1 : 0;
    ashlar_heap_figures figures{};
    ashlar_heap_adopt(heap);
    ashlar_heap_stats(heap, &figures);
    EXPECT_EQ(figures.blocks, live);
    ASSERT_EQ(round == 1 ? ashlar_heap_delete(heap) : ashlar_heap_destroy(heap), 0);
    for (unsigned char* const block : slots.blocks) {
      if (round == 1) release(block);
    }
    EXPECT_EQ(ashlar_validate(), 0U);
  }
}

TEST(HeapThreads, EachHasHeapsOfItsOwn) {
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t) {
    threads.emplace_back([t] {
      for (int round = 0; round < 200; ++round) {
        ashlar_heap* const heap = ashlar_heap_create(nullptr, 0);
        unsigned random = t;
        for (int i = 0; i < 100; ++i) {
          random = random * 1664525U + 1013904223U;
          const size_t size = size_for(random);
          memset(ashlar_heap_malloc(heap, size), 1, size);
        }
        ashlar_heap_destroy(heap);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ashlar_validate(), 0U);
}

// Blocks are freed while their heap is given up: they move from it to the default heap.
TEST(HeapThreads, FreeWhileTheHeapIsDeleted) {
  for (int round = 0; round < 50; ++round) {
    ashlar_heap* const heap = ashlar_heap_create("given up", 0);
    std::vector<void*> blocks(2000);
    for (size_t i = 0; i < blocks.size(); ++i) blocks[i] = ashlar_heap_malloc(heap, i % 300 == 0 ? 40000 : i % 200);
    std::thread other([&] {
      for (void* const block : blocks) release(block);
    });
    ASSERT_EQ(ashlar_heap_delete(heap), 0);
    other.join();
  }
  EXPECT_EQ(ashlar_validate(), 0U);
}

// Whatever a thread is taking when its heap ends is refused or freed: nothing of it is in the next heap.
TEST(HeapThreads, AllocateWhileTheHeapEnds) {
  for (int round = 0; round < 120; ++round) {
    ashlar_heap* const heap = ashlar_heap_create("ends", 0);
    ashlar_heap_adopt(heap);
    std::atomic<bool> started{false};
    std::thread other([&] {
      constexpr size_t kSizes[] = {64, 40000, 9000, 700000};
      for (unsigned i = 0; ashlar_heap_malloc(heap, kSizes[i % 4]) != nullptr; ++i) started = true;
      EXPECT_EQ(errno, EINVAL);
    });
    while (!started) std::this_thread::yield();
    const std::string lines = lines_of([&] {
      ASSERT_EQ(round % 2 == 0 ? ashlar_heap_destroy(heap) : ashlar_heap_delete(heap), 0);
      other.join();
    });
    EXPECT_TRUE(is_one_line_with(lines, "is not a heap, or was ended"));
    ashlar_heap* const next = ashlar_heap_create("next", 0);
    ashlar_heap_figures figures{};
    ashlar_heap_stats(next, &figures);
    EXPECT_EQ(figures.bytes, 0U);
    EXPECT_EQ(figures.chunks + figures.large, 0U);
    ashlar_heap_destroy(next);
  }
  EXPECT_EQ(ashlar_validate(), 0U);
}

// Blocks grow and shrink while their heap is given up: what they have is counted where they are.
TEST(HeapThreads, ReallocWhileTheHeapIsDeleted) {
  for (int round = 0; round < 50; ++round) {
    ashlar_heap* const heap = ashlar_heap_create("given up", 0);
    std::vector<void*> blocks(200);
    for (size_t i = 0; i < blocks.size(); ++i) blocks[i] = ashlar_heap_malloc(heap, i % 3 == 0 ? 50000 : i % 200 + 1);
    std::thread other([&] {
      for (size_t i = 0; i < blocks.size(); ++i) {
        blocks[i] = resize(blocks[i], i % 3 == 0 ? 90000 + i : 3 * i + 300);
        EXPECT_NE(blocks[i], nullptr);
      }
    });
    ASSERT_EQ(ashlar_heap_delete(heap), 0);
    other.join();
    for (void* const block : blocks) release(block);
    EXPECT_EQ(ashlar_validate(), 0U);
  }
}

// The next thread gets the stack of the one that ended, and with it the thread register.
TEST(HeapThreads, AThreadThatEndsOwnsNothing) {
  ashlar_heap* const heap = ashlar_heap_create("owned by none", 0);
  std::thread([&] { ashlar_heap_free(heap, ashlar_heap_malloc(heap, 64)); }).join();
  ashlar_heap_figures figures{};
  ashlar_heap_stats(heap, &figures);
  const char* const options = getenv("ASHLAR_OPTIONS");  // where blocks are checked a heap keeps none at hand
  if (options == nullptr || *options == '\0') {
    EXPECT_GT(figures.kept_bytes, 0U);
  }
  ashlar_heap_trim(heap);  // what an owner keeps is the owner's
  ashlar_heap_stats(heap, &figures);
  EXPECT_EQ(figures.kept_bytes, 0U);
  ashlar_heap_destroy(heap);
}

// A child of a process whose threads are within heaps: they are whole, and serve it.
TEST(HeapThreads, AForkedChildSeesThemWhole) {
  if (kEmulated) GTEST_SKIP() << "a child of threads can start none";
  ashlar_heap* const busy = ashlar_heap_create("busy", 0);
  ashlar_heap* const shared = ashlar_heap_create("shared", 0);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned random = t; !stop; random = random * 1664525U + 1013904223U) {
        void* const p = ashlar_heap_malloc(t == 0 ? busy : shared, random >> 20);
        ashlar_heap_free(t == 0 ? busy : shared, p);
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    void* const p = ashlar_heap_malloc(shared, 100);
    const pid_t child = fork();
    if (child == 0) {
      release(p);
      for (ashlar_heap* const heap : {busy, shared}) {
        for (size_t n = 0; n < 2000; ++n) memset(ashlar_heap_malloc(heap, n), 1, n);
        if (ashlar_validate() != 0) _exit(1);
        ashlar_heap_destroy(heap);
      }
      _exit(ashlar_validate() == 0 ? 0 : 2);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    ashlar_heap_free(shared, p);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  ashlar_heap_destroy(busy);
  ashlar_heap_destroy(shared);
}

// Ends a heap when nobody has pushed it. Another thread may have: its pointer is of a heap that had ended, in whose
// place this one was made.
bool end(ashlar_heap* heap) {
  while (ashlar_heap_destroy(heap) != 0) {
    if (errno != EBUSY) return false;
    std::this_thread::yield();
  }
  return true;
}

// Threads push heaps that a thread ends as soon as nobody has pushed them: a push either is refused, or its heap serves
// until the pop.
TEST(HeapThreads, PushHeapsThatOthersEnd) {
  std::atomic<ashlar_heap*> shared{ashlar_heap_create("shared", 0)};
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0}, served{0};
  const auto work = [&](unsigned seed) {
    unsigned random = seed;
    while (!stop) {
      ashlar_heap* const own = ashlar_heap_create("own", 0);
      for (int i = 0; i < 100; ++i) {
        random = random * 1664525U + 1013904223U;
        ashlar_heap* const heap = i % 3 == 0 ? shared.load() : own;
        if (ashlar_heap_push(heap) != 0) continue;  // it has ended
        auto* const p = static_cast<unsigned char*>(ashlar_malloc(size_for(random)));
        auto* const q = static_cast<unsigned char*>(ashlar_calloc(1, 100));
        if (ashlar_heap_of(p) != heap || ashlar_heap_of(q) != heap || q[99] != 0) ++wrong;
        memset(q, 0xff, 100);
        release(p);
        if (i % 2 == 0) release(q);
        if (ashlar_heap_pop() != 0) ++wrong;
        ++served;
      }
      void* const plain = ashlar_malloc(100);
      if (ashlar_heap_of(plain) != nullptr || !end(own)) ++wrong;
      release(plain);
    }
  };
  testing::internal::CaptureStderr();  // a line for each refusal
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t) threads.emplace_back(work, 7 * t + 1);
  for (int ended = 0; ended < 50 || served < 500; ++ended) {
    if (!end(shared.exchange(ashlar_heap_create("shared", 0)))) ++wrong;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(wrong, 0) << "of " << served << " pushes";
  EXPECT_EQ(ashlar_heap_destroy(shared), 0);
  EXPECT_EQ(ashlar_validate(), 0U);
}

// A profile has malloc take from other bins: beginning and ending it leaves the push as it is.
TEST(HeapThreads, PushesLastThroughProfiles) {
  ashlar_heap* const heap = ashlar_heap_create("profiled", 0);
  const auto is_from = [](const ashlar_heap* wanted) {
    for (const size_t size : {16, 100, 1000, 20000}) {
      for (int i = 0; i < 50; ++i) {
        void* const p = ashlar_malloc(size);
        const bool right = ashlar_heap_of(p) == wanted;
        release(p);
        if (!right) return false;
      }
    }
    return true;
  };
  EXPECT_TRUE(is_from(nullptr));
  ASSERT_EQ(ashlar_heap_push(heap), 0);
  ASSERT_EQ(ashlar_profile_start(1 << 12), 0);
  EXPECT_TRUE(is_from(heap)) << "begun while it is pushed";
  ASSERT_EQ(ashlar_heap_pop(), 0);
  EXPECT_TRUE(is_from(nullptr));
  ASSERT_EQ(ashlar_heap_push(heap), 0);
  EXPECT_TRUE(is_from(heap)) << "pushed while it is on";
  ashlar_profile_stop();
  EXPECT_TRUE(is_from(heap)) << "ended while it is pushed";
  ASSERT_EQ(ashlar_heap_pop(), 0);
  EXPECT_TRUE(is_from(nullptr));
  EXPECT_EQ(ashlar_heap_destroy(heap), 0);
  EXPECT_EQ(ashlar_validate(), 0U);
}

}  // namespace
