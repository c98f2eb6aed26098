// Tests threads that pthread_cancel ends while they allocate, in three ways. The cancellation is deferred, at
// cancellation points between calls, with cleanup handlers that free. It is asynchronous, while the thread does not
// allocate. Or a request is pending through all slow paths of the allocator, none of which may be a cancellation point,
// since malloc is none (pthreads(7)). Nothing leaks, and the other threads continue. Fails unless cancellation is off
// during the allocator's own open, read and write, and the heap of a cancelled thread is released.
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>

#include "support/process.h"

namespace {
using namespace ashlar_test;

constexpr int kRounds = 300;
constexpr size_t kThreads = 8, kHeld = 50;

struct Held {
  void* blocks[kHeld] = {};
  void* extra = nullptr;
};
std::atomic<unsigned> cleaned{0};

void clean_up(void* argument) {
  auto* const held = static_cast<Held*>(argument);
  for (void* p : held->blocks) free(p);
  free(held->extra);
  free(held);
  free(malloc(5000));
  ++cleaned;
}

void step(Held& held, Random& random) {
  void*& p = held.blocks[random.below(kHeld)];
  const size_t size = random.below(200) == 0 ? 2 << 20 : usual_size(random);
  if (random.below(4) == 0 && p != nullptr) p = realloc(p, size);
  else free(p), p = malloc(size);
  CHECK(p != nullptr);
  static_cast<char*>(p)[0] = 1;
}

Held* new_held() {
  auto* const held = static_cast<Held*>(calloc(1, sizeof(Held)));
  CHECK(held != nullptr);
  return held;
}

void* deferred(void* seed) {
  Random random(reinterpret_cast<size_t>(seed));
  Held* const held = new_held();
  pthread_cleanup_push(clean_up, held);
  for (;;) {
    for (int i = 0; i < 20; ++i) step(*held, random);
    pthread_testcancel();
  }
  pthread_cleanup_pop(1);
  return nullptr;
}

void* asynchronous(void* seed) {
  Random random(reinterpret_cast<size_t>(seed));
  int before = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  Held* const held = new_held();
  pthread_cleanup_push(clean_up, held);
  for (;;) {
    for (int i = 0; i < 20; ++i) step(*held, random);
    volatile unsigned long sum = 0;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before);  // the other way round glibc 2.36 leaves no result
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
    for (int i = 0; i < 2000; ++i) sum = sum + static_cast<unsigned long>(i);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &before);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  }
  pthread_cleanup_pop(1);
  return nullptr;
}

std::atomic<bool> passed{false};

// Asked to end, it must come through everything but the test for that.
void* pending(void* seed) {
  Random random(reinterpret_cast<size_t>(seed));
  passed = false;
  pthread_cancel(pthread_self());
  Held* const held = new_held();
  for (int i = 0; i < 3000; ++i) step(*held, random);
  for (size_t size = 1 << 20; size <= (128 << 20); size *= 2) free(malloc(size));  // looks at the cgroup's limit, too
  held->extra = realloc(malloc(100000), 40 << 20);
  CHECK(malloc(PTRDIFF_MAX) == nullptr);
  malloc_trim(0);
  clean_up(held);
  passed = true;
  pthread_testcancel();
  return nullptr;
}

void cancel_all(void* (*body)(void*), long after_us) {
  pthread_t threads[kThreads];
  for (size_t i = 0; i < kThreads; ++i) {
    CHECK(pthread_create(&threads[i], nullptr, body, reinterpret_cast<void*>(i + 1)) == 0);
  }
  usleep(static_cast<useconds_t>(after_us));
  for (pthread_t thread : threads) CHECK(pthread_cancel(thread) == 0);
  for (pthread_t thread : threads) {
    void* result = nullptr;
    CHECK(pthread_join(thread, &result) == 0);
    CHECK(result == PTHREAD_CANCELED);
  }
}
}  // namespace

int main() {
  long rss = 0;
  for (int round = 0; round < kRounds; ++round) {
    cleaned = 0;
    cancel_all(round % 2 == 0 ? deferred : asynchronous, 50 + round * 37 % 2000);
    CHECK(cleaned <= kThreads);  // one that was cancelled before it began had nothing to clean
    pthread_t thread;
    void* result = nullptr;
    if (round % 10 == 0) {
      CHECK(pthread_create(&thread, nullptr, pending, reinterpret_cast<void*>(round + 1)) == 0);
      CHECK(pthread_join(thread, &result) == 0);
      CHECK(result == PTHREAD_CANCELED && passed);
    }
    malloc_trim(0);
    if (round == 2 * kRounds / 3) rss = rss_kib();  // on a busy machine it has settled only by then
  }
  const long end = rss_kib();
  printf("resident %ld KiB after two thirds, %ld at the end\n", rss, end);
  fflush(stdout);
  CHECK(end < rss + 3072);
  return 0;
}
