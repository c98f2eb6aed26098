// Shows: the main thread frees 128 MiB, waits until they are older than decay_ms, and allocates, which purges them.
// Meanwhile another thread frees blocks of 256 KiB, one each 100 us.
// Right: what was freed a moment ago is not purged with what is old. Run with kswapd=0.
#include <pthread.h>
#include <sys/mman.h>

#include "case.h"

enum { kSize = 256 << 10, kPages = kSize / 4096, kOld = 128 * 4, kFresh = 400 };
static char* fresh[kFresh];
static volatile int go, stop, freed;

static int resident_pages(char* block) {
  unsigned char is_resident[kPages];
  int count = 0;
  char* start = (char*)(((size_t)block + 4095) & ~(size_t)4095);
  CHECK(mincore(start, kSize - 4096, is_resident) == 0);
  for (int i = 0; i < kPages - 1; ++i) count += is_resident[i] & 1;
  return count;
}

static void* free_slowly(void* unused) {
  free(malloc(100));
  while (!go) {
  }
  for (int i = 0; i < kFresh && !stop; ++i) {
    free(fresh[i]);
    freed = i + 1;
    for (const double end = now_ms() + 0.1; now_ms() < end;) {
    }
  }
  return unused;
}

int main(void) {
  static char* old[kOld];
  // Apart from each other, so that the old ones do not join.
  for (int i = 0; i < 2 * kOld; ++i) keep(filled(kSize));
  for (int i = 0; i < kOld; ++i) old[i] = filled(kSize);
  for (int i = 0; i < kFresh; ++i) {
    fresh[i] = filled(kSize);
    keep(filled(40000));
  }
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, free_slowly, NULL) == 0);
  for (int i = 0; i < kOld; ++i) free(old[i]);
  usleep(1300000);
  go = 1;
  while (freed < 5) {
  }
  while (freed < kFresh / 2) free(malloc(34000));
  stop = 1;
  const int count = freed;
  pthread_join(thread, NULL);
  long there = 0;
  for (int i = 0; i < count; ++i) there += resident_pages(fresh[i]);
  CHECK(count > 0);
  printf("%d blocks freed meanwhile, %ld of their %d pages resident\n", count, there, count * (kPages - 1));
  return there < (long)count * (kPages - 1) * 3 / 4;
}
