// Shows: a buffer of 6 MiB is made, filled and freed in a loop, alone or with a second one, in a program that holds
// LIVE MiB in small blocks and may have a second thread. Memory that is purged at each free is faulted in again in
// each round.
// Right: the page faults stay far below one for each page and round. Arguments: LIVE, and "thread".
// Reports: https://github.com/jemalloc/jemalloc/issues/126, https://github.com/tenstorrent/tt-metal/pull/23456
#include <pthread.h>

#include "case.h"

enum { kRounds = 100 };
static const size_t kSize = 6 << 20;

static void* allocate_now_and_then(void* unused) {
  for (;;) {
    free(malloc(100));
    usleep(1000);
  }
  return unused;
}

static double faults_of_a_page(int buffers) {
  const long before = page_faults();
  for (int i = 0; i < kRounds; ++i) {
    char* one = filled(kSize);
    char* other = buffers > 1 ? filled(kSize / 2) : NULL;
    keep(one);
    keep(other);
    free(one);
    free(other);
  }
  const double pages = (double)(kSize + (buffers > 1 ? kSize / 2 : 0)) / 4096 * kRounds;
  return (double)(page_faults() - before) / pages;
}

int main(int argc, char** argv) {
  for (long i = argc > 1 ? atol(argv[1]) * 1024 : 0; i > 0; --i) keep(filled(1000));
  pthread_t thread;
  if (argc > 2) CHECK(pthread_create(&thread, NULL, allocate_now_and_then, NULL) == 0);
  faults_of_a_page(1);
  const double one = faults_of_a_page(1), two = faults_of_a_page(2);
  printf("page faults for each page and round: one buffer %.3f, two %.3f; at most 0.15 is right\n", one, two);
  return one > 0.15 || two > 0.15;
}
