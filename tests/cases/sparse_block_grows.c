// Shows: realloc of a huge block, of which the program touched little, into memory that was freed before. An allocator
// that copies the block reads and writes all of it: the process has a GiB more, and each call takes a second.
// Right: no more is ever resident than the program touched, and what it wrote is there.
#include "case.h"

enum { kRounds = 5, kStep = 64 << 20, kMaxKib = 100 << 10 };

int main(void) {
  const size_t small = (size_t)512 << 20, large = (size_t)1 << 30;
  for (int round = 0; round < kRounds; ++round) {
    char* block = malloc(small);
    if (block == NULL) skip("no block of 512 MiB");
    for (size_t at = 0; at < small; at += kStep) block[at] = (char)(at / kStep + 1);
    block = realloc(block, large);
    if (block == NULL) skip("no block of 1 GiB");
    for (size_t at = 0; at < small; at += kStep) CHECK(block[at] == (char)(at / kStep + 1));
    CHECK(block[large - 1] == 0 || round > 0);
    block[large - 1] = 1;
    free(block);
  }
  struct rusage usage;
  CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
  printf("at most %ld KiB were resident, up to %d is right\n", usage.ru_maxrss, kMaxKib);
  return usage.ru_maxrss > kMaxKib;
}
