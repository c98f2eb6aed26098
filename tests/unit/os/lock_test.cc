// os: tests the lock under contention.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <thread>
#include <vector>

#include "os/os.h"

namespace ashlar {
namespace {

using TestLock = Lock<LockRank::kZone>;

TEST(Lock, IsAllZeroWhenFree) {
  TestLock lock;
  static_assert(kDebug || sizeof lock == sizeof(std::uint32_t));
  EXPECT_EQ(*reinterpret_cast<const std::uint32_t*>(&lock), 0u);
  lock.lock();
  EXPECT_NE(*reinterpret_cast<const std::uint32_t*>(&lock), 0u);
  lock.unlock();
  EXPECT_EQ(*reinterpret_cast<const std::uint32_t*>(&lock), 0u);
}

// A plain counter: with two holders at once an increment is lost, and ThreadSanitizer reports the race.
TEST(Lock, HasOneHolderAtATimeUnderContention) {
  static TestLock lock;
  static std::uint64_t counter;
  static unsigned inside;
  counter = inside = 0;
  std::atomic<unsigned> crowded{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&crowded] {
      for (int i = 0; i < 20000; ++i) {
        const Guard guard(lock);
        if (++inside != 1) ++crowded;
        ++counter;
        if (i % 1000 == 0) std::this_thread::yield();  // the others go to sleep
        --inside;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter, 160000u);
  EXPECT_EQ(crowded, 0u);
}

TEST(Lock, WhoWaitsLongSleepsInsteadOfSpinning) {
  static TestLock lock;
  lock.lock();
  std::uint64_t cpu_ns = ~std::uint64_t{0};
  int after = 0;
  std::thread waiter([&] {
    errno = 4711;
    lock.lock();
    after = errno;
    lock.unlock();
    timespec used{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    cpu_ns = static_cast<std::uint64_t>(used.tv_sec) * 1000000000 + static_cast<std::uint64_t>(used.tv_nsec);
  });
  usleep(300000);
  lock.unlock();
  waiter.join();
  EXPECT_LT(cpu_ns, 150000000u) << "of 300 ms of waiting";
  EXPECT_EQ(after, 4711) << "errno is the program's";
}

TEST(Lock, EverySleeperIsWoken) {
  static TestLock lock;
  for (int round = 0; round < 50; ++round) {
    lock.lock();
    std::atomic<unsigned> through{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 6; ++t) {
      threads.emplace_back([&through] {
        const Guard guard(lock);
        ++through;
      });
    }
    if (round % 5 == 0) usleep(5000);
    lock.unlock();
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(through, 6u);
  }
}

TEST(Lock, ResetMakesItFreeForTheChildOfAFork) {
  static TestLock lock;
  lock.lock();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    lock.reset();
    lock.lock();
    lock.unlock();
    _exit(0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  lock.unlock();
}

// The sanitizer builds are debug builds: all that runs there runs with the order of locks checked.
TEST(Lock, TheOrderIsCheckedInDebugAndSanitizerBuilds) {
#ifdef ASHLAR_EXPECT_DEBUG
  EXPECT_TRUE(kDebug);
#else
  EXPECT_FALSE(kDebug) << "a release build pays for no check";
#endif
}

}  // namespace
}  // namespace ashlar
