// Under slab_debug=FZ,debug_continue: a report that frees memory, as looking up the names of a stack may, does not
// wait for a lock that the check of all blocks holds. Here a handler of SIGPIPE frees, which each line raises.
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "ashlar/cache.h"

enum { kObjects = 4000 };

static ashlar_cache* ending;
static volatile sig_atomic_t lines;

static void free_spans(int signal) {
  (void)signal;
  ++lines;
  ashlar_cache_shrink(ending);
}

int main(void) {
  static void* objects[kObjects];
  ending = ashlar_cache_create("ending", 1000, 0, 0, NULL);
  ashlar_cache* const faulty = ashlar_cache_create("faulty", 100, 0, 0, NULL);
  if (ending == NULL || faulty == NULL) return 2;
  if (ashlar_cache_alloc_bulk(ending, kObjects, objects) != kObjects) return 2;
  ashlar_cache_free_bulk(ending, kObjects, objects);
  char* const fault = ashlar_cache_alloc(faulty);
  fault[100] = 'x';

  int ends[2];
  if (pipe(ends) != 0) return 2;
  close(ends[0]);
  dup2(ends[1], STDERR_FILENO);
  signal(SIGPIPE, free_spans);
  alarm(10);
  const size_t faults = ashlar_validate();
  printf("%zu faults in %d lines\n", faults, (int)lines);
  return faults == 1 && lines > 0 ? 0 : 1;
}
