// Shows: fork and _exit in a process whose threads hold scattered free objects. A child that takes the objects of
// the other threads apart copies a page for nearly each of them, for nothing.
// Right: the child's page faults are of the order of glibc's.
#include <pthread.h>
#include <sys/wait.h>

#include "case.h"

enum { kThreads = 100, kBlocks = 3000, kRounds = 10 };
static pthread_barrier_t filled_all;

static void* scatter(void* argument) {
  unsigned seed = (unsigned)(size_t)argument;
  void** blocks = malloc(kBlocks * sizeof *blocks);
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < kBlocks; ++i) blocks[i] = malloc(16 + (size_t)rand_r(&seed) % 1000);
    for (int i = 0; i < kBlocks; ++i) {
      const int k = rand_r(&seed) % kBlocks;
      void* other = blocks[i];
      blocks[i] = blocks[k];
      blocks[k] = other;
    }
    for (int i = 0; i < kBlocks; ++i) free(blocks[i]);
  }
  pthread_barrier_wait(&filled_all);
  pause();
  return NULL;
}

int main(void) {
  pthread_attr_t small;
  pthread_barrier_init(&filled_all, NULL, kThreads + 1);
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 1 << 16);
  for (size_t i = 0; i < kThreads; ++i) {
    pthread_t thread;
    CHECK(pthread_create(&thread, &small, scatter, (void*)i) == 0);
  }
  pthread_barrier_wait(&filled_all);
  long most = 0;
  for (int i = 0; i < 3; ++i) {
    struct rusage usage;
    int status;
    const pid_t pid = fork();
    if (pid == 0) _exit(0);
    CHECK(wait4(pid, &status, 0, &usage) == pid && status == 0);
    if (usage.ru_minflt > most) most = usage.ru_minflt;
  }
  figure("faults", (double)most);
  _exit(0);
}
