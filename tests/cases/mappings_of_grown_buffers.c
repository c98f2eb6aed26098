// Shows: 36 000 buffers that realloc grew to 300 KiB, fifty at a time, and vm.max_map_count mappings for all.
// Right: none is refused, and a thread can be started.
// Reports: https://github.com/memcached/memcached/issues/512, https://github.com/ClickHouse/ClickHouse/issues/5369
#include <pthread.h>

#include "case.h"

enum { kBuffers = 36000, kGroup = 50, kSteps = 4, kStep = 100000 };
static char* buffers[kBuffers];

static void* nothing(void* unused) { return unused; }

static void grow_group(int first) {
  for (int i = first; i < first + kGroup; ++i) buffers[i] = malloc(1000);
  for (size_t step = 1; step < kSteps; ++step) {
    for (int i = first; i < first + kGroup; ++i) {
      buffers[i] = realloc(buffers[i], 1000 + step * kStep);
      CHECK(buffers[i] != NULL);
      buffers[i][0] = buffers[i][step * kStep] = 1;
    }
  }
}

int main(void) {
  for (int first = 0; first < kBuffers; first += kGroup) grow_group(first);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, nothing, NULL) == 0);
  pthread_join(thread, NULL);
  return 0;
}
