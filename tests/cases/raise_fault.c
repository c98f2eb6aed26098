// Shows: raise(SIGSEGV), as of a watchdog, where the allocator handles SIGSEGV to explain faults in its own pages.
// Right: the process dies of it.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  void* volatile block = malloc(100);
  (void)argv;
  raise(argc > 1 ? SIGBUS : SIGSEGV);
  puts("alive after raise");
  return block == NULL;
}
