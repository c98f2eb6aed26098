// Threads that get eight small blocks and free them, again and again: the processor's time is a figure.
//   pairs THREADS ROUNDS
#include <pthread.h>
#include <stdint.h>

#include "cases/case.h"

enum { kBlocks = 8, kMostThreads = 16 };

static void* work(void* rounds) {
  for (long i = 0; i < (long)(intptr_t)rounds; ++i) {
    void* blocks[kBlocks];
    for (int k = 0; k < kBlocks; ++k) blocks[k] = malloc(16 + (size_t)k * 24);
    for (int k = 0; k < kBlocks; ++k) free(blocks[k]);
  }
  return NULL;
}

int main(int argc, char** argv) {
  CHECK(argc == 3);
  const int threads = atoi(argv[1]);
  CHECK(threads >= 1 && threads <= kMostThreads);
  void* const rounds = (void*)(intptr_t)atoi(argv[2]);
  const double started = now_ms();
  pthread_t others[kMostThreads];
  for (int i = 1; i < threads; ++i) CHECK(pthread_create(&others[i], NULL, work, rounds) == 0);
  work(rounds);
  for (int i = 1; i < threads; ++i) CHECK(pthread_join(others[i], NULL) == 0);
  figure("processor_ms", milliseconds(CLOCK_PROCESS_CPUTIME_ID));
  figure("elapsed_ms", now_ms() - started);
  return 0;
}
