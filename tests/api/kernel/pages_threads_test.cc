// Tests ashlar/pages.h with threads that drop the last references of a block at the same time.
#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "ashlar/pages.h"
#include "base/options.h"

namespace {

// Has the calling thread run on one of its processors, by its number among them, if there are so many: two threads that
// share one meet in no instant.
void stay_on_processor(int number) {
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof all, &all) != 0) return;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (!CPU_ISSET(i, &all) || number-- != 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(i, &one);
    sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

// Spins at first, since a yield takes longer than what is to happen at once.
void await(const std::atomic<int>& count, int n) {
  for (int i = 0; count.load() < n; ++i) {
    if (i > 1000) std::this_thread::yield();
  }
}

class LastHolders {
 public:
  // Rounds in which two threads end the last two references of a block at once, at most of a second in all: beside
  // load each takes some milliseconds. Returns after how many of them the block held what the program wrote.
  int run(int rounds) {
    std::thread second([this] {
      stay_on_processor(1);
      for (int n = 1; await(begun_, n), page_ != nullptr; ++n) {
        ashlar_put_page(page_);
        ended_.store(n);
      }
    });
    std::thread first([this, rounds] {
      stay_on_processor(0);
      const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
      int n = 1;
      for (; n <= rounds && std::chrono::steady_clock::now() < end; ++n) unfilled_ += is_left_unfilled(n) ? 1 : 0;
      page_ = nullptr;
      begun_.store(n);
    });
    first.join();
    second.join();
    return unfilled_;
  }

 private:
  bool is_left_unfilled(int n) {
    page_ = ashlar_alloc_pages(0, 0);
    auto* const start = static_cast<volatile unsigned char*>(ashlar_page_address(page_));
    start[100] = 5;
    ashlar_get_page(page_);
    begun_.store(n);
    for (int i = 0; i < n % 512; ++i) ended_.load();  // until the other thread is as far
    ashlar_put_page(page_);
    await(ended_, n);
    return start[100] == 5;
  }

  ashlar_page* page_ = nullptr;  // begun_ publishes it
  std::atomic<int> begun_{0}, ended_{0};
  int unfilled_ = 0;
};

TEST(PagesThreads, TheLastHolderFillsTheBlockWhereBlocksAreChecked) {
  if (ashlar::options.harden == 0 && ashlar::options.slab_debug == 0) GTEST_SKIP() << "nothing is filled";
  EXPECT_EQ(LastHolders().run(5000), 0);
}

}  // namespace
