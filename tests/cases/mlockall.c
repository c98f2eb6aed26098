// Shows: a real-time program with root's rights calls mlockall(MCL_CURRENT | MCL_FUTURE) and then starts threads
// that allocate a little. Address space that is reserved at large becomes resident at once.
// Right: below 40 MiB in all, with stacks of 64 KiB.
// Reports: https://github.com/systemd/systemd/pull/40319, https://github.com/rfjakob/earlyoom/issues/112,
// https://github.com/Project-OSRM/osrm-backend/issues/3484
#include <pthread.h>
#include <sys/mman.h>

#include "case.h"

enum { kThreads = 4 };

static void* work(void* unused) {
  for (size_t i = 0; i < 3000; ++i) {
    char* block = malloc(i % 100 ? i % 5000 + 1 : 100000);
    CHECK(block != NULL);
    block[0] = 1;
    free(block);
  }
  return unused;
}

int main(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_MEMLOCK, &limit);
  if (limit.rlim_cur != RLIM_INFINITY && geteuid() != 0) skip("RLIMIT_MEMLOCK is too low");
  if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) skip("mlockall is refused");
  pthread_attr_t small;
  pthread_t threads[kThreads];
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 64 << 10);
  for (int i = 0; i < kThreads; ++i) CHECK(pthread_create(&threads[i], &small, work, NULL) == 0);
  for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
  const long resident = resident_kib();
  printf("resident %ld KiB\n", resident);
  return resident > 40 << 10;
}
