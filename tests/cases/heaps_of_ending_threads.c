// Shows: detached threads that never allocate, whose exit has glibc free the stacks and the TLS blocks of many
// others. Each such thread gets a heap in its last moments.
// Right: these heaps end with their threads.
#include <ashlar/ashlar.h>
#include <pthread.h>

#include "case.h"

enum { kRounds = 60, kThreads = 200 };

static void* nothing(void* unused) { return unused; }

int main(void) {
  pthread_attr_t small, large;
  pthread_attr_init(&small);
  pthread_attr_init(&large);
  pthread_attr_setstacksize(&small, 128 << 10);
  // More than what glibc keeps of stacks: they are freed as this thread ends.
  pthread_attr_setstacksize(&large, 36 << 20);
  pthread_attr_setdetachstate(&large, PTHREAD_CREATE_DETACHED);
  for (int round = 0; round < kRounds; ++round) {
    pthread_t threads[kThreads], detached;
    for (int i = 0; i < kThreads; ++i) CHECK(pthread_create(&threads[i], &small, nothing, NULL) == 0);
    for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
    CHECK(pthread_create(&detached, &large, nothing, NULL) == 0);
    usleep(3000);
  }
  usleep(100000);
  struct ashlar_stats stats;
  ashlar_stats_snapshot(&stats, sizeof stats);
  printf("threads with a heap: %lu, at most 3 is right\n", (unsigned long)stats.threads);
  return stats.threads > 3;
}
