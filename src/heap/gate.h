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

// Odd while a fork is under way.
extern constinit std::atomic<std::uint32_t> gate;
inline constexpr std::uint32_t kClosed = 1;

// Where the calling thread is counted when it entered without a heap of its own, or lost its heap since; else null.
extern constinit thread_local std::uint32_t* entered_apart;

// True while the calling thread is within the allocator.
inline bool has_entered() { return current->entered != 0 || entered_apart != nullptr; }

// Enters the allocator for a scope. Empty if the thread has to be served apart. Nothing in a thread that has entered
// already.
//
// A thread with a heap marks it and then looks at the gate, with plain instructions. Fork closes the gate, has every
// running thread pass a fence, and then looks at the heaps. The store and the load that follows it stand either before
// that fence in their thread, so that fork sees the mark, or the load stands after it and sees the gate closed.
//
// Always inlined, though the files of the slow paths are compiled for size: each miss comes by.
class [[nodiscard]] Entry {
 public:
  [[gnu::always_inline]] Entry() {
    Heap* const heap = current;
    if (heap->kind != Kind::kLive) [[unlikely]] {
      enter_apart();
      return;
    }
    if (heap->entered != 0) return;
    outermost_ = true;
    __atomic_store_n(&heap->entered, std::uint8_t{1}, __ATOMIC_RELAXED);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if ((gate.load(std::memory_order_relaxed) & kClosed) != 0) [[unlikely]]
      meet_closed_gate();
  }
  [[gnu::always_inline]] ~Entry() {
    if (!outermost_) return;
    Heap* const heap = current;
    // release: pairs with the load in anybody
    if (heap->entered != 0) [[likely]]
      __atomic_store_n(&heap->entered, std::uint8_t{0}, __ATOMIC_RELEASE);
    else leave_apart();
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  explicit operator bool() const { return in_; }

 private:
  void enter_apart();
  void meet_closed_gate();
  static void leave_apart();

  bool in_ = true;
  bool outermost_ = false;
};

// The calling thread's heap goes to another thread: it is counted apart from here on.
void count_apart(Heap& heap);

// Waits until no other thread forks, and closes the gate; then, for a while, until no other thread has entered.
void close_gate();
void open_gate();
void reset_gate_in_child();

}  // namespace ashlar::heap
