// heap: fork. All locks of the process are at this layer or below it; they are taken in the order of LockRank.
#include <pthread.h>

#include "heap/bins.h"
#include "heap/pool.h"

namespace ashlar::heap {

namespace {

constinit ForkHooks above;  // set before main, by the thread that loads the library

void before_fork() {
  lock_pools_for_fork();
  if (above.before != nullptr) above.before();
  lock_heaps_for_fork();
  slab::lock_for_fork();
  slob::lock_for_fork();
  vmalloc::lock_for_fork();
  page::lock_for_fork();
}

void after_fork_in_parent() {
  page::unlock_in_parent();
  vmalloc::unlock_in_parent();
  slob::unlock_in_parent();
  slab::unlock_in_parent();
  unlock_heaps_in_parent();
  if (above.in_parent != nullptr) above.in_parent();
  unlock_pools_in_parent();
}

void after_fork_in_child() {
  page::reset_in_child();
  vmalloc::reset_in_child();
  slob::reset_in_child();
  slab::reset_in_child();
  reset_heaps_in_child();
  if (above.in_child != nullptr) above.in_child();
  reset_pools_in_child();
}

}  // namespace

void set_fork_hooks(const ForkHooks& hooks) { above = hooks; }

// Before the first heap, and so before any library's constructor that allocates has registered handlers of its own:
// those run before ours when a process forks, and may allocate, and after ours in the child.
void register_fork_handlers() {
  static constinit std::atomic<bool> done{false};
  // relaxed: the first call comes from the one thread that there is, or after the start by the thread that loads us
  if (done.load(std::memory_order_relaxed)) return;
  if (done.exchange(true, std::memory_order_relaxed)) return;
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

}  // namespace ashlar::heap
