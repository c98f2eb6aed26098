// Shows: blocks are allocated and freed in random order, as a hash table's are when it is flushed. How much stays
// resident while calls go on now and then? Cached free objects must not pin all slabs. Arguments: the size, how
// many.
// Right: a quarter of the peak at most, after three seconds and some bursts.
#include "case.h"

static void** blocks;

static void free_shuffled(int count) {
  unsigned seed = 1;
  for (int i = count - 1; i > 0; --i) {
    const int k = rand_r(&seed) % (i + 1);
    void* other = blocks[i];
    blocks[i] = blocks[k];
    blocks[k] = other;
  }
  for (int i = 0; i < count; ++i) free(blocks[i]);
}

static void call_now_and_then(void) {
  for (int i = 0; i < 300; ++i) {
    void *small = malloc(300), *large = malloc(16384);
    free(small);
    free(large);
    usleep(10000);
  }
}

int main(int argc, char** argv) {
  CHECK(argc == 3);
  const size_t size = (size_t)atol(argv[1]);
  const int count = atoi(argv[2]);
  const long start = resident_kib();
  blocks = malloc((size_t)count * sizeof *blocks);
  for (int i = 0; i < count; ++i) blocks[i] = filled(size);
  const long peak = resident_kib() - start;
  free_shuffled(count);
  free(blocks);
  call_now_and_then();
  for (int burst = 0; burst < 3; ++burst) {
    static void* some[2000];
    for (int i = 0; i < 2000; ++i) some[i] = malloc(size);
    for (int i = 0; i < 2000; ++i) free(some[i]);
    usleep(300000);
  }
  const long stays = resident_kib() - start;
  printf("resident beyond the start: peak %ld KiB, at the end %ld KiB\n", peak, stays);
  return stays > peak / 4;
}
