// Shows: 256 MiB are freed and grow old; then the program goes on: what of a processor the longest single malloc
// uses. One call may not pay for all that has aged.
// Right: no call uses more than 20 ms. Argument "thread": a second thread has a heap, too.
#include <pthread.h>

#include "case.h"

enum { kBlocks = 256 * 16 };
static void *blocks[kBlocks], *between[kBlocks];

static void* sleep_with_a_heap(void* unused) {
  keep(malloc(100));
  for (;;) pause();
  return unused;
}

int main(int argc, char** argv) {
  (void)argv;
  pthread_t thread;
  if (argc > 1) CHECK(pthread_create(&thread, NULL, sleep_with_a_heap, NULL) == 0);
  for (int i = 0; i < kBlocks; ++i) {
    blocks[i] = filled(65536);
    between[i] = malloc(73728);
  }
  for (int i = 0; i < kBlocks; ++i) free(blocks[i]);
  usleep(1200000);
  double longest = 0;
  for (int i = 0; i < 2000; ++i) {
    const double start = used_ms();
    char* block = malloc(100 + (size_t)i * 7 % 30000);
    const double took = used_ms() - start;
    keep(memset(block, 1, 1));
    if (took > longest) longest = took;
  }
  printf("the longest malloc used %.2f ms\n", longest);
  return longest > 20;
}
