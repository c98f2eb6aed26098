// Shows: a fault where the alternate stack for signals, of another signal's handler, is nearly as small as the kernel
// allows, and the allocator handles SIGSEGV to explain faults in its own pages.
// Right: the process dies of it. It does not fault in the allocator's handler for ever.
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "case.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

enum { kStack = 64 << 10, kAtLeast = 2048 };

int main(void) {
  unsigned char* const stack = mmap(NULL, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(stack != MAP_FAILED && mprotect(stack, kStack / 2, PROT_NONE) == 0);
  const size_t frame = getauxval(AT_MINSIGSTKSZ);
  const stack_t small = {.ss_sp = stack + kStack / 2, .ss_size = frame < kAtLeast ? kAtLeast : frame};
  CHECK(sigaltstack(&small, NULL) == 0);
  int* volatile nowhere = (int*)(stack + 100);
  free(malloc(100));
  alarm(10);
  *nowhere = 1;
  puts("alive after a fault");
  return 0;
}
