// A signal handler that forks while its thread is in a call about named caches does not wait for that thread, which
// may hold the lock of all caches.
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ashlar/cache.h"

enum { kThreads = 2, kForks = 200, kWaitMs = 20000 };

static atomic_int forks;

static void* use_caches(void* unused) {
  ashlar_cache* const cache = ashlar_cache_create("forked", 100, 0, ASHLAR_CACHE_NO_MERGE, NULL);
  for (;;) {
    struct ashlar_cache_stats stats;
    ashlar_cache* caches[8];
    ashlar_cache_snapshot(cache, &stats);
    ashlar_cache_list(caches, 8);
    if (ashlar_cache_name(cache) == NULL || ashlar_cache_size(cache) < 100) _exit(1);
    ashlar_cache_destroy(ashlar_cache_create("short-lived", 200, 0, 0, NULL));
  }
  return unused;
}

static void fork_in_handler(int signal_number) {
  (void)signal_number;
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, NULL, 0);
  ++forks;
}

int main(void) {
  signal(SIGUSR1, fork_in_handler);
  pthread_t threads[kThreads];
  for (int i = 0; i < kThreads; ++i) {
    if (pthread_create(&threads[i], NULL, use_caches, NULL) != 0) return 1;
  }
  for (int i = 0; i < kForks; ++i) {
    pthread_kill(threads[i % kThreads], SIGUSR1);
    for (int ms = 0; forks == i && ms < kWaitMs; ++ms) usleep(1000);
    if (forks == i) {
      fprintf(stderr, "fork %d does not return\n", i + 1);
      _exit(1);
    }
  }
  _exit(0);
}
