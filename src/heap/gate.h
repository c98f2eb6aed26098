// heap, private to this layer and api: the gate that fork closes.
//
// A thread that forks waits until no other thread is within the allocator, and then holds all locks until the fork is
// over. Between, libc and other libraries' handlers of pthread_atfork(3) take locks of their own, of which nothing is
// known here (streams, the list of loaded objects, popen's children, the program's). Another thread may hold one of
// those and allocate: would it wait for the fork, all would stand still. So
//   1. whoever enters at a closed gate waits for a few milliseconds, which nearly every fork takes less than;
//   2. then it is served apart: memory comes from emergency.h, and what it frees is freed later.
// A thread that has entered comes out again without waiting for the fork, as the fork waits for it (for 30 ms: then it
// may be one that has no processor). One that waits for a
// lock of the allocator without having entered (reports, pages, named caches) waits for the fork to end.
#pragma once

#include "heap/heap.h"

namespace ashlar::heap {

// Where the calling thread is counted as having entered; null if it has not.
extern constinit thread_local std::uint32_t* entered_at;

// Enters the allocator for a scope. Empty if the thread has to be served apart. Nothing in a process of one thread, and
// in a thread that has entered already.
class [[nodiscard]] Entry {
 public:
  Entry() {
    if (os::single_threaded() || entered_at != nullptr) return;
    outermost_ = in_ = enter();
  }
  ~Entry() {
    if (outermost_) leave();
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  explicit operator bool() const { return in_; }

 private:
  static bool enter();
  static void leave();

  bool in_ = true;
  bool outermost_ = false;
};

// The calling thread's heap goes to another thread: it is counted elsewhere from here on.
void count_elsewhere(Heap& heap);

// Waits until no other thread forks, and closes the gate; then, for a while, until no other thread has entered.
void close_gate();
void open_gate();
void reset_gate_in_child();

}  // namespace ashlar::heap
