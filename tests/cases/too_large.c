// Shows: blocks of 16 and 64 TiB, which no machine can hold.
// Right: NULL and ENOMEM, unless the system promises any amount of memory.
#include <errno.h>

#include "case.h"

int main(void) {
  int policy = 0;
  FILE* const file = fopen("/proc/sys/vm/overcommit_memory", "r");
  CHECK(file != NULL && fscanf(file, "%d", &policy) == 1);
  fclose(file);
  if (policy == 1) skip("vm.overcommit_memory is 1");
  for (int shift = 44; shift <= 46; shift += 2) {
    errno = 0;
    void* const block = malloc((size_t)1 << shift);
    CHECK(block == NULL && errno == ENOMEM);
  }
  return 0;
}
