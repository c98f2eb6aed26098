// Shows: a loop of one malloc and one free of a large block has two slow calls a round: whoever looks at each n-th
// only, with n even, sees but the one kind. Does what was freed in the meantime go back when all threads idle?
// Right: it does, whatever the number of allocations before. Argument: how many there are.
#include <pthread.h>

#include "case.h"

enum { kBlocks = 400, kFreed = 200 };
static void* blocks[kBlocks];

static void* sleep_with_a_heap(void* unused) {
  keep(malloc(100));
  for (;;) pause();
  return unused;
}

int main(int argc, char** argv) {
  CHECK(argc == 2);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, sleep_with_a_heap, NULL) == 0);
  usleep(100000);
  const int extra = atoi(argv[1]);
  const long right = resident_kib() + (kBlocks - kFreed + extra) * 64 + 2048;
  for (int i = 0; i < kBlocks; ++i) blocks[i] = filled(65536);
  for (int i = 0; i < extra; ++i) keep(filled(65536));
  for (int i = 0; i < 600; ++i) {
    void* large = filled(2 << 20);
    keep(large);
    free(large);
    if (i == 300) {
      for (int k = 0; k < kFreed; ++k) free(blocks[k]);
    }
    usleep(2000);
  }
  const long before = resident_kib();
  long now = before;
  for (int i = 0; i < 50 && now > right; ++i) {
    usleep(100000);
    now = resident_kib();
  }
  printf("resident at the end of the work %ld KiB, idle %ld, at most %ld is right\n", before, now, right);
  return now > right;
}
