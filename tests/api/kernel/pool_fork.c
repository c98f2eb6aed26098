// A signal handler that forks while its thread takes an element from a pool's reserve, or returns one, does not wait
// for that thread. The allocator of the pool gives nothing, so that each element comes from the reserve.
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ashlar/mempool.h"

enum { kThreads = 2, kForks = 200, kWaitMs = 20000 };

static ashlar_mempool* pool;
static atomic_bool is_filled;
static atomic_int forks;

static void* make_element(void* data) {
  (void)data;
  return is_filled ? NULL : malloc(64);
}

static void end_element(void* element, void* data) {
  (void)data;
  free(element);
}

static void* use_reserve(void* unused) {
  for (;;) {
    void* const element = ashlar_mempool_alloc(pool, 0);
    ashlar_mempool_free(element, pool);
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
  pool = ashlar_mempool_create(8, make_element, end_element, NULL);
  is_filled = 1;
  signal(SIGUSR1, fork_in_handler);
  pthread_t threads[kThreads];
  for (int i = 0; i < kThreads; ++i) {
    if (pthread_create(&threads[i], NULL, use_reserve, NULL) != 0) return 1;
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
