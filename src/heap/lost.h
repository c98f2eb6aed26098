// heap, private: heaps whose threads are gone without having emptied them: in a forked child those of all other
// threads, and of threads that ended while the gate was closed. What they hold is freed one heap at a miss, so
// that a child which executes a program or ends never touches it.
#pragma once

#include "heap/bins.h"

namespace ashlar::heap {

// In the child of a fork: all heaps but the calling thread's are lost.
void lose_other_heaps();

// The calling thread ends, and may not enter the allocator: its heap stays behind.
void leave_behind();

// True when there may be lost heaps.
[[gnu::always_inline]] inline bool any_lost() {
  return heaps.have_lost.load(std::memory_order_relaxed) || heaps.left_behind.load(std::memory_order_relaxed) != 0;
}

// Returns what one lost heap holds to the slabs; false if there is none.
bool take_lost_apart();

// The part of a list that can be read, cut off before the first object on a page that is not there: of memory with
// MADV_DONTFORK a child has none.
Object* readable_part(Object* list);

}  // namespace ashlar::heap
