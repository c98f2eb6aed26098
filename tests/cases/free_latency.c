// Shows: 200 MiB in blocks of 2000 bytes, 64 KiB or 1 MiB are freed in one go: what of a processor the slowest
// single free uses, and the slowest malloc of another thread meanwhile.
// Right: neither is above 20 ms, or what glibc's uses.
// Reports: https://github.com/gperftools/gperftools/issues/754, https://github.com/scylladb/scylladb/issues/1634
#include <pthread.h>

#include "case.h"

static const size_t kTotal = 200 << 20;
static volatile int stop;
static volatile double slowest_of_other;

static void* allocate_now_and_then(void* unused) {
  while (!stop) {
    const double start = used_ms();
    void* large = malloc(100000);
    void* small = malloc(500);
    free(large);
    free(small);
    const double took = used_ms() - start;
    if (took > slowest_of_other) slowest_of_other = took;
    usleep(200);
  }
  return unused;
}

static double slowest_free(size_t size) {
  const size_t count = kTotal / size;
  void** blocks = malloc(count * sizeof *blocks);
  for (size_t i = 0; i < count; ++i) blocks[i] = filled(size);
  double slowest = 0;
  for (size_t i = 0; i < count; ++i) {
    const double start = used_ms();
    free(blocks[i]);
    const double took = used_ms() - start;
    if (took > slowest) slowest = took;
  }
  free(blocks);
  return slowest;
}

int main(void) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, allocate_now_and_then, NULL) == 0);
  figure("free_2000", slowest_free(2000));
  figure("free_64K", slowest_free(64 << 10));
  figure("free_1M", slowest_free(1 << 20));
  stop = 1;
  pthread_join(thread, NULL);
  figure("other_malloc", slowest_of_other);
  return 0;
}
