/* Memory that runs short: a program keeps a reserve of buffers that it can do without, and drops it when an allocation
 * fails or the system waits for memory.
 *
 *   cc notices.c -lashlar -pthread */
#include <ashlar/ashlar.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define BUFFERS 64

struct reserve {
  pthread_mutex_t lock; /* never held while anything is allocated */
  void* buffers[BUFFERS];
};

static void drop(struct reserve* reserve) {
  pthread_mutex_lock(&reserve->lock);
  for (unsigned i = 0; i < BUFFERS; ++i) {
    ashlar_free(reserve->buffers[i]);
    reserve->buffers[i] = NULL;
  }
  pthread_mutex_unlock(&reserve->lock);
}

static void on_failure(size_t size, size_t alignment, void* reserve) {
  fprintf(stderr, "no memory for %zu bytes at a multiple of %zu: the reserve goes\n", size, alignment);
  drop(reserve);
}

static void on_pressure(uint32_t pressure, void* reserve) {
  if (pressure == 2) drop(reserve);
}

int main(void) {
  static struct reserve reserve = {.lock = PTHREAD_MUTEX_INITIALIZER};
  const size_t size = (size_t)4 << 20;
  for (unsigned i = 0; i < BUFFERS; ++i) {
    reserve.buffers[i] = ashlar_malloc(size);
    if (reserve.buffers[i] == NULL) return 1;
    memset(reserve.buffers[i], 1, size);
  }
  if (ashlar_on_failure(on_failure, &reserve) != 0 || ashlar_on_pressure(on_pressure, &reserve) != 0) return 1;

  /* More than any machine has: it fails, and the reserve is gone by the time it says so. */
  if (ashlar_malloc((size_t)1 << 62) != NULL || reserve.buffers[0] != NULL) return 1;

  if (ashlar_off_pressure(on_pressure, &reserve) != 0 || ashlar_off_failure(on_failure, &reserve) != 0) return 1;
  return 0;
}
