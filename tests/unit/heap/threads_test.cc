// heap: tests how threads get and lose their heaps.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "heap/bins.h"
#include "heap/counted.h"
#include "heap/gate.h"
#include "heap/heap_fixture.h"
#include "heap/realm_calls.h"
#include "heap/scope.h"

namespace ashlar::heap {
namespace {

// What `ashlar profile` writes to a heap whose thread does not allocate, so that it misses.
TEST(Threads, AHeapThatACommandLedToItsDrainedBinsIsCounted) {
  std::thread([] {
    put(get(100));
    count_allocations(true);
    count_allocations(false);
    current->counted = nullptr;
    current->counts = true;
    count_allocations(true);
    EXPECT_NE(counted(), nullptr);
    put(get(100));
    count_allocations(false);
  }).join();
}

// Which of the calling thread's sizes malloc finds led to the bin that is always empty.
__attribute__((no_sanitize("thread"))) std::size_t led_to_nothing() {
  std::size_t n = 0;
  for (const std::uint8_t& c : current->class_of_granules)
    n += __atomic_load_n(&c, __ATOMIC_RELAXED) == drained(SizeClass());
  return n;
}

TEST(Threads, AProfileThatAnotherThreadStartsAtTheMomentOfAPushLeavesItWhole) {
  std::thread([] {
    grow_up();
    Realm* const realm = begin_realm("pushed");
    ASSERT_NE(realm, nullptr);
    std::atomic<bool> stop{false};
    std::thread profiler([&] {
      put(get(100));
      for (bool on = false; !stop;) count_allocations(on = !on);
      count_allocations(false);
    });
    std::size_t torn = 0;
    for (int i = 0; i < 20000; ++i) {
      ASSERT_EQ(push_realm(*realm), Pushed::kDone);
      torn += led_to_nothing() != current->class_of_granules.size();
      ASSERT_TRUE(pop_realm());
      torn += led_to_nothing() != 0;
    }
    stop = true;
    profiler.join();
    EXPECT_EQ(torn, 0u) << "of 40000 looks";
    finish_realm(*realm, End::kFree);
  }).join();
}

// What another thread, or `ashlar profile`, writes to a heap whose thread runs.
__attribute__((no_sanitize("thread"))) void lead_to_drained(Heap& heap, std::size_t size) {
  std::uint8_t& c = heap.class_of_granules[(size + kMinAlign - 1) / kMinAlign];
  __atomic_store_n(&c, static_cast<std::uint8_t>(drained(SizeClass(c))), __ATOMIC_RELAXED);
  __atomic_store_n(&heap.counts, true, __ATOMIC_RELEASE);
}
__attribute__((no_sanitize("thread"))) bool is_busy(const Heap& heap) {
  return __atomic_load_n(&heap.busy, __ATOMIC_ACQUIRE);
}

// The thread waits for a lock of the slabs, within its call, until its size leads to another bin.
TEST(Threads, ACallWhoseSizeIsLedToAnotherBinMeanwhileSucceeds) {
  constexpr std::size_t kSize = 3000;
  static std::atomic<Heap*> heap;
  heap = nullptr;
  static std::atomic<bool> locked, done;
  locked = done = false;
  put(get(64));  // the first heap is this thread's
  static void* block;
  std::thread thread([] {
    put(get(64));
    heap = current;
    while (!locked) std::this_thread::yield();
    block = get(kSize);
    done = true;
    EXPECT_EQ(heap.load()->counts, false) << "its thread led it back";
    if (block != nullptr) put(block);
  });
  while (heap == nullptr) std::this_thread::yield();
  slab::lock_for_fork();
  locked = true;
  while (!is_busy(*heap) && !done) std::this_thread::yield();
  usleep(20000);
  lead_to_drained(*heap, kSize);
  slab::unlock_in_parent();
  thread.join();
  EXPECT_NE(block, nullptr);
}

// A heap whose thread called nothing meanwhile is led back when its counting began and ended unnoticed.
TEST(Threads, AHeapThatMissedNoCallWhileAllocationsWereCountedIsLedBack) {
  static std::atomic<unsigned> step;
  step = 0;
  std::thread thread([] {
    put(get(64));
    step = 1;
    while (step != 2) std::this_thread::yield();
    for (int i = 0; i < 3; ++i) put(get(64));
    EXPECT_EQ(current->class_of_granules[4], slab::class_for(64).raw);
    put(get(64));
    EXPECT_EQ(current->loaded.first(drained(slab::class_for(64))), nullptr);
  });
  while (step != 1) std::this_thread::yield();
  count_allocations(true);
  count_allocations(false);
  step = 2;
  thread.join();
}

// kswapd is one: it answers a request to trim.
TEST(Threads, GivingMemoryBackMakesNoHeap) {
  std::thread([] {
    shrink();
    EXPECT_NE(current->kind, Kind::kLive);
  }).join();
}

TEST(Threads, AThreadHasNoHeapBeforeItsFirstCallAndOneAfterwards) {
  std::thread([] {
    EXPECT_EQ(current->kind, Kind::kNobody);
    put(get(64));
    EXPECT_EQ(current->kind, Kind::kLive);
  }).join();
}

TEST(Threads, ThePlaceholdersGiveNothingAndTakeNothing) {
  for (const Heap* const heap : {&nobody, &dead}) {
    for (unsigned c = 0; c < slab::kClasses; ++c) {
      EXPECT_EQ(heap->loaded.first(c), nullptr);
      EXPECT_EQ(heap->loaded.room(c), 0u);
    }
  }
}

TEST(Threads, AThreadThatEndsLeavesNothingBehind) {
  put(get(64));
  const std::size_t heaps = counts().heaps;
  std::thread([] {
    for (const std::size_t size : {16, 64, 512, 4096, 32768}) put_all(get_many(size, 300));
  }).join();
  EXPECT_EQ(counts().heaps, heaps);
  shrink();
  for (unsigned c = 1; c < slab::kClasses; ++c) EXPECT_EQ(slab::counts(SizeClass(c)).out, 0u);
}

TEST(Threads, HeapsOfEndedThreadsAreUsedAgain) {
  for (int i = 0; i < 20; ++i) std::thread([] { put(get(64)); }).join();
  const std::size_t before = page::counts().metadata_bytes;
  for (int i = 0; i < 300; ++i) std::thread([] { put(get(64)); }).join();
  EXPECT_EQ(page::counts().metadata_bytes, before);
}

TEST(Threads, WhatOneThreadGotAnotherMayGiveBack) {
  std::vector<void*> blocks;
  std::thread([&blocks] { blocks = get_many(128, 5000); }).join();
  for (void* const p : blocks) static_cast<char*>(p)[0] = 1;
  put_all(blocks);
  shrink();
  EXPECT_EQ(slab::counts(slab::class_for(128)).out, 0u);
}

TEST(Threads, AfterItsEndAThreadWorksWithoutAHeap) {
  // the destructor of a thread-local object runs before the heap ends; a key's of the last round after it
  static pthread_key_t key;
  static std::atomic<bool> worked;
  worked = false;
  put(get(64));  // the heap's key is the older one, and its destructor runs first in each round
  pthread_key_create(&key, [](void* rounds) {
    if (const auto left = reinterpret_cast<std::uintptr_t>(rounds); left > 1) {
      pthread_setspecific(key, reinterpret_cast<void*>(left - 1));
      return;
    }
    void* const p = get(64);
    void* const q = get(100000);
    worked = p != nullptr && q != nullptr && current->kind == Kind::kDead;
    put(p);
    put(q);
  });
  const std::size_t heaps = counts().heaps;
  std::thread([] {
    put(get(64));
    pthread_setspecific(key, reinterpret_cast<void*>(std::uintptr_t{3}));
  }).join();
  EXPECT_TRUE(worked);
  EXPECT_LE(counts().heaps, heaps + 1);
  shrink();
  EXPECT_EQ(slab::counts(slab::class_for(64)).out, 0u) << "nothing was kept by a dead heap";
}

TEST(Threads, AfterAForkTheChildHasTheParentsBlocksAndOneHeap) {
  void* const p = get(64);
  static_cast<char*>(p)[0] = 42;
  std::thread other([] { usleep(300000); });
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const bool good = static_cast<char*>(p)[0] == 42 && counts().heaps == 1;
    put(p);
    for (int i = 0; i < 1000; ++i) put_all(get_many(64, 10));
    _exit(good ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  other.join();
  put(p);
}

// What a thread holds within the gate is back in its place when another forks: no child finds it missing.
TEST(Threads, AForkWaitsForWhatRunsWithinTheGate) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer takes a child of a process with threads for a deadlock";
#endif
  static std::atomic<bool> whole{true}, stop{false};
  std::thread helper([] {
    while (!stop) {
      run_entered([] {
        whole = false;
        usleep(1000);
        whole = true;
        return false;
      });
      usleep(100);
    }
  });
  constexpr int kForks = 40;
  int torn = 0;
  for (int i = 0; i < kForks; ++i) {
    const pid_t child = fork();
    if (child == 0) _exit(whole ? 0 : 1);
    int status = 0;
    waitpid(child, &status, 0);
    torn += status != 0;
  }
  stop = true;
  helper.join();
  // on a machine that lets the helper wait for 30 ms, fork goes on without it
  EXPECT_LE(torn, kForks / 4) << "of " << kForks << " children";
}

}  // namespace
}  // namespace ashlar::heap
