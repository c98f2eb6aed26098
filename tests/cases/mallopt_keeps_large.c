// Shows: a numerical program keeps large temporaries on the heap by M_MMAP_MAX 0, and by M_TRIM_THRESHOLD and
// M_MMAP_THRESHOLD as large as may be.
// Right: a block of 64 MiB that is made and freed again and again is faulted in once.
#include <malloc.h>

#include "case.h"

enum { kRounds = 4 };
static const size_t kSize = 64 << 20;

int main(void) {
  CHECK(mallopt(M_MMAP_MAX, 0) == 1 && mallopt(M_TRIM_THRESHOLD, -1) == 1 && mallopt(M_MMAP_THRESHOLD, 1 << 30) >= 0);
  long faults = 0;
  for (int round = 0; round < kRounds; ++round) {
    const long before = page_faults();
    char* block = filled(kSize);
    keep(block);
    free(block);
    faults = page_faults() - before;
  }
  printf("page faults of the last round: %ld, of %zu pages\n", faults, kSize / 4096);
  return faults > (long)(kSize / 4096 / 8);
}
