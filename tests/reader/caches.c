// A program with named caches, and with a thread, which numa_fake puts on another node. It says and waits as known.c.
//
//   live NAME COUNT       live objects of a cache
//
// With a number behind it, it has so many caches with slabs of their own instead, and of the one that is called many_N
// 1 + N % 5 objects.
#include <ashlar/ashlar.h>
#include <ashlar/cache.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"

static void construct(void* object) { memset(object, 0x77, 100); }

enum { kPlain = 1000, kBuilt = 500, kThread = 700, kRuns = 5 };
static void *plain[kPlain], *built[kBuilt], *of_thread[kThread + kRuns];
static pthread_barrier_t allocated;

static void* hold(void* unused) {
  for (int i = 0; i < kThread; ++i) memset(of_thread[i] = malloc(192), 1, 192);
  for (int i = 0; i < kRuns; ++i) memset(of_thread[kThread + i] = malloc(100000), 1, 100000);
  pthread_barrier_wait(&allocated);
  pause();
  return unused;
}

static int hold_many(int caches) {
  for (int n = 0; n < caches; ++n) {
    char name[32];
    snprintf(name, sizeof name, "many_%d", n);
    ashlar_cache* const cache = ashlar_cache_create(name, 64, 0, ASHLAR_CACHE_NO_MERGE, NULL);
    if (cache == NULL) return 1;
    for (int i = 0; i < 2 + n % 5; ++i) plain[i] = ashlar_cache_alloc(cache);
    ashlar_cache_free(cache, plain[0]);
  }
  wait_for_line();
  return 0;
}

int main(int count, char** words) {
  if (count > 1) return hold_many(atoi(words[1]));
  pthread_barrier_init(&allocated, NULL, 2);
  ashlar_cache* const a = ashlar_cache_create("plain", 72, 0, 0, NULL);
  ashlar_cache* const b = ashlar_cache_create("built", 100, 0, 0, construct);
  if (a == NULL || b == NULL) return 1;
  wait_for_line();
  for (int i = 0; i < kPlain; ++i) plain[i] = ashlar_cache_alloc(a);
  for (int i = 0; i < kBuilt; ++i) built[i] = ashlar_cache_alloc(b);
  for (int i = 0; i < kPlain; i += 4) ashlar_cache_free(a, plain[i]);
  for (int i = 0; i < kBuilt; i += 5) ashlar_cache_free(b, built[i]);
  pthread_t thread;
  if (pthread_create(&thread, NULL, hold, NULL) != 0) return 1;
  pthread_barrier_wait(&allocated);
  SAY("live plain %d\nlive built %d\nblock 192 %d\nblock 102400 %d\n", kPlain - kPlain / 4, kBuilt - kBuilt / 5,
      kThread, kRuns);
  SAY("at live-plain %llx\nat free-plain %llx\n", (unsigned long long)(uintptr_t)plain[1],
      (unsigned long long)(uintptr_t)plain[4]);
  SAY("at live-built %llx\nat free-built %llx\n", (unsigned long long)(uintptr_t)built[1],
      (unsigned long long)(uintptr_t)built[5]);
  wait_for_line();
  return 0;
}
