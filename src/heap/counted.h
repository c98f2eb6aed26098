// heap: bins from which malloc only takes, so that a layer above can count what a thread allocates. The fast paths
// execute nothing more for it:
//
//   malloc ──► drained bin kClasses + c  ◄── at a miss: all of bin c's loaded magazine, and where that is little,
//                                            its previous one, or the depot
//   free   ──► bin c
//
// While allocations are counted, a heap's class_of_granules leads malloc to the drained bins. free never fills those,
// so each object that is loaded into one is allocated exactly once. The layer above bounds what is loaded, and so
// chooses which allocation misses next.
//
// The room of a drained bin counts up to 0: it holds room = 2^16 - (objects left). Emptying the bin leaves the room as
// it is, so that the layer above still sees how many objects were taken out of it.
//
// Functions that are not in counted.cc are defined in drained.cc.
#pragma once

#include "heap/heap.h"

namespace ashlar::heap {

// Has malloc of the calling thread miss whatever it asks for, or again take from its bins (scope.h).
[[gnu::cold]] void lead_to_realm(Heap& heap, bool away);

// Figures of the layer above, a thread's own. Kept when the heap is, as it is.
struct Counted {
  std::int64_t until[slab::kClasses] = {};    // bytes to the next allocation that is of interest; 0: not drawn
  std::uint16_t loaded[slab::kClasses] = {};  // what was loaded into the drained bin when it missed last
  std::uint8_t at_hand = 0;                   // misses that found enough objects in the bin's loaded magazine
  std::int64_t until_object = 0;              // as `until`, of all objects of named caches, each of which is seen
  std::uint64_t random = 0;
  std::uint64_t mean = 0;  // of the distances in `until`
};

// Starts or ends it. What other threads allocate is counted from their next call on; afterwards what lies in their
// drained bins waits for their next miss. Called with no lock held.
void count_allocations(bool on);

// Has each thread's next call that takes a small block miss, once: its heap says that it counts, and finds that nothing
// is counted. Not while allocations are counted. Where heaps were set aside, all threads passed a fence since; called
// with no lock held.
void make_all_miss();

// The calling thread's heap, made if it has none, that counts; null where the thread has no heap, so that each of its
// calls misses anyway, in a signal handler that interrupted the allocator, and when there is no memory.
Counted* counted();

// The same for a thread that counts already, with nothing to be made or followed: else null.
inline Counted* counted_already() {
  const Heap* const heap = current;
  return heap->kind == Kind::kLive && heap->counts && !heap->busy ? heap->counted : nullptr;
}

// Serves an allocation that misses while allocations are counted, and no byte of which is of interest: fills the
// drained bin up to the next such byte. `mean` is that of the distances. Returns null, with nothing taken, where the
// thread or the distance calls for more. The caller has entered.
void* take_counted(std::size_t size, std::uint64_t mean);

// True when no thread has a heap.
[[nodiscard]] bool sees_every_call();

// The class that an allocation of this kind takes its object from; 0 if it is large.
SizeClass class_of_request(std::size_t size, std::size_t alignment);

// The objects that were loaded into the drained bin of a class and not taken by malloc since.
inline std::uint32_t left_in_drained(const Heap& heap, SizeClass c) {
  return static_cast<std::uint16_t>(-heap.loaded.room(slab::kClasses + c.raw));
}
std::uint32_t left_in_drained(SizeClass c);

// Cuts the drained bin down to `max` objects, and returns how many it has then.
std::uint32_t shorten_drained(SizeClass c, std::uint32_t max);

// For a scope, signal handlers of this thread are served apart. Nothing in a thread without a heap, and in such a
// handler.
class [[nodiscard]] Uninterrupted {
 public:
  Uninterrupted();
  ~Uninterrupted();
  Uninterrupted(const Uninterrupted&) = delete;
  Uninterrupted& operator=(const Uninterrupted&) = delete;

 private:
  Heap* heap_ = nullptr;
};

}  // namespace ashlar::heap
