// Tests signal handlers that allocate. Each thread churns while a timer of its own interrupts it thousands of times a
// second. The blocks of handlers and of threads are written completely, and checked when they are freed. So a block
// that two of them have is noticed.
//
// The sizes that a handler may use follow from the fast paths, which read a bin's first object and then write the bin.
// A handler between the two that takes one object of the same bin and frees it leaves the bin unchanged. If the handler
// must go to the depot, the bin was empty, and the interrupted free then loses the objects that came from the depot.
// Blocks that a handler keeps are of classes that threads do not use. In slow paths a handler gets memory of another
// kind.
//
//   stress_signals THREADS SECONDS [stack]     "stack": handlers run on a stack of their own, within the thread's
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "support/check.h"

namespace {

constexpr unsigned kKept = 64;
constexpr size_t kHeld = 8;  // blocks that a handler keeps
constexpr long kPeriodNs = 100000;
constexpr size_t kStack = size_t{64} << 10;

struct Block {
  unsigned char* at = nullptr;
  size_t size = 0;
  unsigned char fill = 0;
};

struct Held {
  Block blocks[kHeld];
  unsigned turn = 0;
};

thread_local Held held;
std::atomic<unsigned long> interruptions{0};
bool on_own_stack = false;
long seconds = 1;

Block make(size_t size, unsigned char fill) {
  const Block block{static_cast<unsigned char*>(malloc(size)), size, fill};
  CHECK(block.at != nullptr);
  memset(block.at, fill, size);
  return block;
}

void end(Block& block) {
  for (size_t i = 0; i < block.size; ++i) CHECK(block.at[i] == block.fill);
  free(block.at);
  block = {};
}

// The handlers have classes of their own, of 528 to 640 bytes and 5 KiB, and runs of pages, which no magazine holds.
constexpr size_t kSizesOfHandlers[] = {600, 5000, 40000, 100000};

void on_timer(int) {
  interruptions.fetch_add(1, std::memory_order_relaxed);
  Held& own = held;
  const unsigned turn = own.turn++;
  Block one = make(16 + turn * 37 % 500, static_cast<unsigned char>(turn));
  end(one);
  Block& kept = own.blocks[turn % kHeld];
  if (kept.at != nullptr) end(kept);
  kept = make(kSizesOfHandlers[turn % 4], static_cast<unsigned char>(turn * 3));
}

timer_t start_timer() {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGUSR1;
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
  timer_t timer{};
  CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
  const itimerspec every{{0, kPeriodNs}, {0, kPeriodNs}};
  CHECK(timer_settime(timer, 0, &every, nullptr) == 0);
  return timer;
}

void churn() {
  Block kept[kKept];
  timespec now{}, start{};
  clock_gettime(CLOCK_MONOTONIC, &start);
  unsigned long turn = 0;
  do {
    for (unsigned i = 0; i < 1000; ++i, ++turn) {
      Block& block = kept[turn * 31 % kKept];
      if (block.at != nullptr) end(block);
      const size_t size = turn % 50 == 0 ? 33000 + turn % 7 * 9000 : 16 + turn * 7919 % 490;
      block = make(size, static_cast<unsigned char>(turn));
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while (now.tv_sec - start.tv_sec < seconds);
  for (Block& block : kept) {
    if (block.at != nullptr) end(block);
  }
}

void* run(void*) {
  char stack[kStack];  // higher than all that the thread calls
  if (on_own_stack) {
    stack_t own{};
    own.ss_sp = stack;
    own.ss_size = sizeof stack;
    CHECK(sigaltstack(&own, nullptr) == 0);
  }
  end(held.blocks[0] = make(16, 1));  // the thread's own first call is not interrupted
  timer_t timer = start_timer();
  churn();
  CHECK(timer_delete(timer) == 0);
  for (Block& block : held.blocks) {
    if (block.at != nullptr) end(block);
  }
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  CHECK(sigaltstack(&none, nullptr) == 0);
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  CHECK(argc >= 3);
  const long threads = atol(argv[1]);
  seconds = atol(argv[2]);
  on_own_stack = argc > 3;
  struct sigaction action {};
  action.sa_handler = on_timer;
  action.sa_flags = SA_RESTART | (on_own_stack ? SA_ONSTACK : 0);
  CHECK(sigaction(SIGUSR1, &action, nullptr) == 0);
  pthread_t started[64];
  CHECK(threads <= 64);
  for (long i = 1; i < threads; ++i) CHECK(pthread_create(&started[i], nullptr, run, nullptr) == 0);
  run(nullptr);
  for (long i = 1; i < threads; ++i) CHECK(pthread_join(started[i], nullptr) == 0);
  printf("%lu interruptions\n", interruptions.load());
  return 0;
}
