// Is a program whose threads free and allocate blocks all the time and leak none: tool_busy THREADS. It prints "ready"
// and ends when its input ends.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kBlocks = 200, kMaxBytes = 3000, kMinPauseMicroseconds = 2000, kMaxPauseMicroseconds = 10000 };

static void* churn(void* number) {
  void* blocks[kBlocks] = {0};
  unsigned seed = (unsigned)(uintptr_t)number;
  for (;;) {
    for (int i = 0; i < kBlocks; ++i) {
      void** const block = &blocks[rand_r(&seed) % kBlocks];
      free(*block);
      const size_t bytes = (size_t)rand_r(&seed) % kMaxBytes + 1;
      *block = malloc(bytes);
      if (*block != NULL) memset(*block, 1, bytes < 64 ? bytes : 64);
    }
    usleep(kMinPauseMicroseconds + (unsigned)rand_r(&seed) % (kMaxPauseMicroseconds - kMinPauseMicroseconds));
  }
  return NULL;
}

int main(int count, char** words) {
  if (count != 2) return 2;
  for (long i = 0, n = strtol(words[1], NULL, 10); i < n; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, churn, (void*)(uintptr_t)i) != 0) return 1;
  }
  usleep(10 * kMaxPauseMicroseconds);
  puts("ready");
  fflush(stdout);
  while (getchar() != EOF) {
  }
  _exit(0);
}
