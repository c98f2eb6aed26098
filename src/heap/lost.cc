// heap: heaps whose threads are gone.
#include "heap/lost.h"

namespace ashlar::heap {

namespace {

constexpr unsigned kLongest = 65536;  // no magazine is longer: a list with a loop ends somewhere

// A heap of which the thread was in a slow path when it was lost: its lists are not followed, and its objects leak.
bool is_torn(const Heap& heap) { return heap.busy || heap.entered != 0; }

// The next lost heap, taken off the list of live ones; null if there is none.
Heap* pick() ASHLAR_REQUIRES(heaps.lock) {
  Heap* heap = heaps.lost;
  if (heap != nullptr) {
    heaps.lost = heap->next;
  } else if (heaps.left_behind.load(std::memory_order_relaxed) != 0) {
    heap = heaps.live.front();
    while (heap != nullptr && !__atomic_load_n(&heap->left_behind, __ATOMIC_ACQUIRE)) heap = heap->next;
    if (heap == nullptr) return nullptr;
    heaps.left_behind.fetch_sub(1, std::memory_order_relaxed);
    note_heaps(-1);
  }
  if (heap != nullptr) heaps.live.remove(heap);
  return heap;
}

}  // namespace

void lose_other_heaps() ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  Heap* const own = own_heap();
  if (own != nullptr && own != heaps.live.front()) {
    heaps.live.remove(own);
    heaps.live.push_front(own);
  }
  heaps.lost = own != nullptr ? own->next : heaps.live.front();
  heaps.have_lost.store(heaps.lost != nullptr, std::memory_order_relaxed);
  heaps.left_behind.store(0, std::memory_order_relaxed);
  set_heaps(own != nullptr ? 1 : 0);
}

void leave_behind() {
  Heap* const heap = current;
  use(const_cast<Heap*>(&dead));
  forget_named_bins();
  pthread_setspecific(heaps.key, nullptr);
  __atomic_store_n(&heap->left_behind, true, __ATOMIC_RELEASE);  // pairs with the load in pick
  heaps.left_behind.fetch_add(1, std::memory_order_relaxed);
}

Object* readable_part(Object* list) {
  if (options.mmap_only != 0) return nullptr;
  Object* last = nullptr;
  PageId page;
  unsigned n = 0;
  for (Object* object = list; object != nullptr && n < kLongest; last = object, object = object->next, ++n) {
    if (PageId::of(object) == page) continue;
    page = PageId::of(object);
    if (os::readable(page.pointer(), 1)) continue;
    if (last != nullptr) last->next = nullptr;
    return last != nullptr ? list : nullptr;
  }
  return list;
}

bool take_lost_apart() {
  Heap* heap = nullptr;
  {
    const Guard guard(heaps.lock);
    heap = pick();
    if (heaps.lost == nullptr) heaps.have_lost.store(false, std::memory_order_relaxed);
  }
  if (heap == nullptr) return false;
  if (is_torn(*heap)) {
    heap->named = nullptr;
  } else {
    return_named_of_lost_thread(*heap);
    // the lists are what counts: a thread that was stopped within the fast path leaves a count that may be one off
    for (unsigned c = 1; c < slab::kClasses; ++c) {
      slab::return_to_slabs(SizeClass(c), {readable_part(heap->loaded.first(c)), 0}, "free()");
      slab::return_to_slabs(SizeClass(c), {readable_part(heap->bins[c].previous), 0}, "free()");
      slab::return_to_slabs(SizeClass(c), {readable_part(heap->loaded.first(drained(SizeClass(c)))), 0}, "free()");
    }
  }
  const Guard guard(heaps.lock);
  heap->next = heaps.unused;
  heaps.unused = heap;
  return true;
}

}  // namespace ashlar::heap
