// heap: heaps that are set aside, so that a layer above sees each call while the thread's own heap serves it:
//
//   outside   current = nobody: malloc and free miss, and api asks the layer above      aside->heap = the thread's heap
//   Served    current = the thread's heap: the call is served as any other is, by the fast path first
//
// A thread in a Served that calls malloc again, as a signal handler does, is not seen.
//
// Defined in threads.cc.
#pragma once

#include "heap/heap.h"

namespace ashlar::heap {

// What a thread has while its heap is set aside; a layer above adds to it.
struct Aside {
  Heap* heap = nullptr;  // outside; null: it has none yet, is past its end, or has it as its current one
  bool inside = false;   // in a Served
};

// The calling thread's; null before its first call. Kept by the layer above.
extern constinit thread_local Aside* aside;

// Starts it, for the calling thread at once; others are those that come later. Ends it for all: each finds its heap
// again at its next miss.
void set_heaps_aside(bool on);

// Starts it in a process that runs: no thread's heap is set aside before its next miss.
void set_heaps_aside_live();

// Whether the calling thread, with what `aside` is, is within the allocator outside of a Served: a signal handler that
// interrupted it there may not set its heap aside.
[[nodiscard]] inline bool is_within(const Aside* own) {
  return (own == nullptr || current->kind == Kind::kLive) && (own == nullptr || !own->inside) && has_entered();
}

// Whether heaps are set aside, and the calling thread's is to be: it is in no Served.
[[nodiscard]] inline bool is_outside() {
  return seen.aside.load(std::memory_order_relaxed) && (aside == nullptr || !aside->inside);
}

// The calling thread, which ends, has its heap again, if it has one still.
void take_back_heap();

// For a scope, the calling thread has its heap. It must be outside.
class [[nodiscard]] Served {
 public:
  explicit Served(Aside& own) : aside_(own) {
    own.inside = true;
    std::atomic_signal_fence(std::memory_order_seq_cst);  // a signal handler that finds the heap is not seen
    if (own.heap != nullptr) current = own.heap;
  }
  ~Served() {
    Heap* const heap = current;
    const bool live = heap->kind == Kind::kLive;
    const bool goes_aside = live && seen.aside.load(std::memory_order_relaxed);
    aside_.heap = goes_aside ? heap : nullptr;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    aside_.inside = false;
    std::atomic_signal_fence(std::memory_order_seq_cst);  // from here on a signal handler is seen, and leaves it so
    if (live) goes_aside ? set_aside() : use_again(heap);
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

 private:
  static void set_aside() { current = current_of_derived = const_cast<Heap*>(&nobody); }
  static void use_again(Heap* heap);

  Aside& aside_;
};

}  // namespace ashlar::heap
