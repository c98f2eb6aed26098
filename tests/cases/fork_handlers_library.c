// Part of fork_handlers.c: the constructor registers handlers of fork that allocate, before anything else in the
// process has allocated. Its handlers before fork therefore run after those of an allocator that registers at its
// first block.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { kBlocks = 100 };
static void* kept[kBlocks];

static void before_fork(void) {
  for (int i = 0; i < kBlocks; ++i) {
    const size_t size = 10 + (size_t)i * 397;
    kept[i] = malloc(size);
    memset(kept[i], 1, size);
  }
  free(malloc(3000000));
  kept[3] = realloc(kept[3], 500000);
}

static void after_fork(void) {
  for (int i = 0; i < kBlocks; ++i) free(kept[i]);
  free(calloc(1, 100000));
}

__attribute__((constructor)) static void start(void) { pthread_atfork(before_fork, after_fork, after_fork); }
