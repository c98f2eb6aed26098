// heap: fork. All locks of the process are at this layer or below it; they are taken in the order of LockRank.
#include <pthread.h>

#include "base/hints.h"
#include "heap/bins.h"
#include "heap/gate.h"
#include "heap/pool.h"
#include "heap/realm.h"
#include "page/hugetlb.h"
#include "page/request.h"
#include "page/swap.h"

namespace ashlar::heap {

namespace {

struct Forking {
  // Set before main, by the thread that loads the library; a profile's when one is first started.
  ForkHooks above[2];
  // Of the thread that forks. More than one level: a signal handler that interrupted fork forks as well.
  unsigned depth = 0;
  bool have_streams = false;  // the list of streams was locked at the outermost level
};
constinit Forking forking;

bool this_thread_forks() { return forking_thread.load(std::memory_order_relaxed) == os::thread_identity(); }

void lock_all() {
  lock_pools_for_fork();
  for (const ForkHooks& hooks : forking.above) {
    if (hooks.before != nullptr) hooks.before();
  }
  lock_heaps_for_fork();
  slab::lock_for_fork();
  slob::lock_for_fork();
  lock_realms_for_fork();
  vmalloc::lock_for_fork();
  page::lock_for_fork();
}

void unlock_all() {
  page::unlock_in_parent();
  vmalloc::unlock_in_parent();
  unlock_realms_in_parent();
  slob::unlock_in_parent();
  slab::unlock_in_parent();
  unlock_heaps_in_parent();
  for (const ForkHooks& hooks : forking.above) {
    if (hooks.in_parent != nullptr) hooks.in_parent();
  }
  unlock_pools_in_parent();
}

void reset_all() {
  page::reset_in_child();
  vmalloc::reset_in_child();
  reset_realms_in_child();
  slob::reset_in_child();
  slab::reset_in_child();
  reset_heaps_in_child();
  for (const ForkHooks& hooks : forking.above) {
    if (hooks.in_child != nullptr) hooks.in_child();
  }
  reset_pools_in_child();
}

// Nothing is locked, and nothing written, by a process with one thread: no other can be within the allocator, and a
// signal handler that interrupted this thread there may fork. A handler that interrupted it beside other threads would
// wait for its own thread: its child may execute a program or end itself.
//
// stdio's list of streams comes first, as fork locks it after all handlers and keeps it: a thread that holds it
// (fflush(NULL)) waits for a stream, whose holder (getline) may want memory. No signal handler runs while only some
// of the locks are taken.
void lock_before_fork() {
  if (this_thread_forks()) {
    ++forking.depth;
    return;
  }
  if (os::single_threaded() || interrupted() || has_entered()) return;
  const bool streams = os::lock_streams();
  const os::SignalsBlocked blocked;
  close_gate();
  lock_all();
  forking.have_streams = streams;
  forking.depth = 1;
  forking_thread.store(os::thread_identity(), std::memory_order_relaxed);
}

void before_fork() {
  lock_before_fork();
  if (page::swap_is_on()) [[unlikely]]
    page::copy_swap_for_fork();
  if (page::uses_pool()) [[unlikely]]
    page::unmap_spare_pages();
}

void after_fork_in_parent() {
  if (page::swap_is_on()) [[unlikely]]
    page::end_swap_copies_in_parent();
  if (!this_thread_forks() || --forking.depth != 0) return;
  const bool streams = forking.have_streams;
  {
    const os::SignalsBlocked blocked;
    forking_thread.store(0, std::memory_order_relaxed);
    unlock_all();
    open_gate();
  }
  if (streams) os::unlock_streams();
}

// All levels end: this process has one thread, which may return from a signal handler into an outer fork, or never.
[[gnu::noinline]] void end_all_levels(bool locked) {
  {
    const os::SignalsBlocked blocked;
    forking_thread.store(0, std::memory_order_relaxed);
    forking.depth = 0;
    reset_all();
    reset_gate_in_child();
  }
  if (locked && forking.have_streams) os::reset_streams_in_child();
}

// As each further page of code costs the child a fault, this lies where every process runs code.
[[ASHLAR_ALWAYS_RUN]] void after_fork_in_child() {
  const bool locked = this_thread_forks();
  in_forked_child = true;
  if (page::swap_is_on()) [[unlikely]]
    page::take_swap_copies_in_child();
  if (page::uses_pool()) [[unlikely]]
    page::leave_pool_in_child();
  os::note_process_again();
  if (locked || !os::single_threaded()) end_all_levels(locked);
  // a request to the parent, which answers it itself; forgetting touches a page of code
  else if (page::request_is_known()) page::forget_request();
}

}  // namespace

void reset_locks() {
  const os::SignalsBlocked blocked;
  reset_all();
}

void set_fork_hooks(const ForkHooks& hooks, ForkLevel level) { forking.above[static_cast<unsigned>(level)] = hooks; }

// Before the first heap, and so before any library's constructor that allocates has registered handlers of its own:
// those run before ours when a process forks, and may allocate, and after ours in the child.
[[ASHLAR_ALWAYS_RUN]] void register_fork_handlers() {
  static constinit std::atomic<bool> done{false};
  // relaxed: the first call comes from the one thread that there is, or after the start by the thread that loads us
  if (done.load(std::memory_order_relaxed)) return;
  if (done.exchange(true, std::memory_order_relaxed)) return;
  os::prepare_fences();
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

}  // namespace ashlar::heap
