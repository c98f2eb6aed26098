// Shows: two threads have heaps. 128 MiB are held for so long that a helper which looks for free memory finds none
// and ends; then 45 % of it is freed and all threads sleep.
// Right: what was freed goes back within 5 s, without a call. Argument: for how many seconds memory is held.
#include <pthread.h>

#include "case.h"

enum { kBlocks = 128 * 16 };
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
  for (int i = 0; i < kBlocks; ++i) blocks[i] = filled(65536);
  const long held = resident_kib();
  sleep((unsigned)atoi(argv[1]));
  for (int i = 0; i < kBlocks * 45 / 100; ++i) free(blocks[i]);
  const long freed = kBlocks * 64 * 45 / 100, right = held - freed * 3 / 4;
  long now = held;
  for (int i = 0; i < 50 && now > right; ++i) {
    usleep(100000);
    now = resident_kib();
  }
  printf("held %ld KiB, %ld of them freed, now %ld, at most %ld is right\n", held, freed, now, right);
  return now > right;
}
