// Runs 32 threads that allocate, free, and exchange blocks of all sizes. Each of them sometimes forks while the others
// continue. The child checks the contents of the shelf, frees them, allocates every kind of block, starts a thread,
// sometimes forks again, validates its heap and exits normally. Fails without fork handlers that take every lock and
// leave both heaps complete. Arguments: the number of seconds, and the number of seconds with ASHLAR_LONG_TESTS in the
// environment.
//
// Arguments: for how many seconds, and for how many with ASHLAR_LONG_TESTS in the environment.
#include <ashlar/ashlar.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>

#include "support/payload.h"
#include "support/process.h"

namespace {
using namespace ashlar_test;

constexpr size_t kThreads = 32, kShelf = 256;
constexpr long kDeadline = 60000;  // of a child: it runs for milliseconds, unless it waits for a lock that nobody holds

std::atomic<bool> stop{false};
std::atomic<unsigned long> forks{0}, children{0}, failures{0};

// A block tells its own size and seed, so that whoever finds it can check it.
struct Header {
  size_t size;
  unsigned long seed;
};
std::atomic<Header*> shelf[kShelf];

size_t size_for(Random& random) {
  if (random.below(2000) == 0) return size_t{1} << (20 + random.below(6));  // to 32 MiB: runs and mappings
  return sizeof(Header) + usual_size(random);
}

Block payload_of(Header* p) { return {reinterpret_cast<unsigned char*>(p + 1), p->size - sizeof(Header), p->seed}; }

// What is large is not filled.
bool is_filled(size_t size) { return size < 100000; }

Header* make(Random& random) {
  const size_t size = size_for(random);
  void* p = nullptr;
  switch (random.below(8)) {
    case 0: p = calloc(1, size); break;
    case 1: p = aligned_alloc(size_t{64} << random.below(8), size); break;
    case 2: {
      // Beside a fork a thread may be served apart; under slob, realloc then has no way to a block's size.
      void* const old = malloc(size / 2 + 1);
      p = realloc(old, size);
      if (p == nullptr) {
        free(old);
        p = malloc(size);
      }
      break;
    }
    default: p = malloc(size);
  }
  CHECK(p != nullptr);
  auto* const header = static_cast<Header*>(p);
  *header = {size, random.next()};
  if (is_filled(size)) fill_payload(payload_of(header));
  return header;
}

void end(Header* p) {
  if (p == nullptr) return;
  CHECK(!is_filled(p->size) || payload_intact(payload_of(p)));
  free(p);
}

void exchange(Random& random, int rounds) {
  for (int i = 0; i < rounds; ++i) end(shelf[random.below(kShelf)].exchange(make(random)));
}

void* thread_of_child(void* seed) {
  Random random(reinterpret_cast<size_t>(seed));
  exchange(random, 100);
  return nullptr;
}

[[noreturn]] void child(unsigned long seed, bool may_fork) {
  Random random(seed);
  for (auto& each : shelf) end(each.exchange(nullptr));
  exchange(random, 400);
  if (seed % 4 == 0) {
    pthread_t thread;
    CHECK(pthread_create(&thread, nullptr, thread_of_child, reinterpret_cast<void*>(seed)) == 0);
    if (may_fork) {
      const pid_t pid = fork();
      CHECK(pid >= 0);
      if (pid == 0) child(seed + 1, false);
      CHECK(exited_with(wait_for(pid, kDeadline), 17));
    }
    CHECK(pthread_join(thread, nullptr) == 0);
  }
  for (auto& each : shelf) end(each.exchange(nullptr));
  CHECK(ashlar_validate() == 0);
  exit(17);
}

void fork_once(Random& random) {
  if (children.fetch_add(1) < 4) {
    const unsigned long seed = random.next();
    const pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) child(seed, true);
    ++forks;
    const int status = wait_for(pid, kDeadline);
    if (!exited_with(status, 17)) {
      dprintf(2, "child of seed %lu: status %#x%s\n", seed, status, status == -1 ? ": dead-locked" : "");
      ++failures;
    }
  }
  --children;
}

void* thread_body(void* number) {
  Random random(reinterpret_cast<size_t>(number) + 1);
  while (!stop.load(std::memory_order_relaxed)) {
    exchange(random, 50);
    fork_once(random);
  }
  return nullptr;
}
}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 3);
  const long seconds = atol(argv[getenv("ASHLAR_LONG_TESTS") != nullptr ? 2 : 1]);
  pthread_t threads[kThreads];
  for (size_t i = 0; i < kThreads; ++i) {
    CHECK(pthread_create(&threads[i], nullptr, thread_body, reinterpret_cast<void*>(i)) == 0);
  }
  const time_t end_time = time(nullptr) + seconds;
  while (time(nullptr) < end_time && failures == 0) sleep_ms(50);
  stop = true;
  for (pthread_t thread : threads) CHECK(pthread_join(thread, nullptr) == 0);
  for (auto& each : shelf) end(each.exchange(nullptr));
  CHECK(ashlar_validate() == 0);
  printf("%lu forks in %ld seconds\n", forks.load(), seconds);
  CHECK(failures == 0);
  CHECK(forks > 0);
  return 0;
}
