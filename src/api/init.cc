// api: the start and the end of the library: options, fork handlers, the report at exit. Calls that come earlier (from
// the dynamic linker, or from constructors of libraries that start before this one) work with the defaults.
#include <pthread.h>

#include "api/api.h"
#include "stats/stats.h"

namespace ashlar::api {

namespace {

// The order of LockRank; the kernel's fork sees all structures whole.
void before_fork() {
  heap::lock_for_fork();
  slab::lock_for_fork();
  vmalloc::lock_for_fork();
  page::lock_for_fork();
}

void after_fork_in_parent() {
  page::unlock_in_parent();
  vmalloc::unlock_in_parent();
  slab::unlock_in_parent();
  heap::unlock_in_parent();
}

void after_fork_in_child() {
  page::reset_in_child();
  vmalloc::reset_in_child();
  slab::reset_in_child();
  heap::reset_in_child();
}

__attribute__((constructor(101))) void start() {
  if (const char* const list = os::environment("ASHLAR_OPTIONS")) {
    parse_options(list, options, os::say);
    if (options.help != 0) describe_options(os::say);
  }
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

__attribute__((destructor(101))) void end() {
  if (options.stats == 0) return;
  if (heap::interrupted()) os::say("no report: the process exits from a signal handler that interrupted malloc or free");
  else stats::report();
}

}  // namespace

}  // namespace ashlar::api
