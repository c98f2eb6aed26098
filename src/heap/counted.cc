// heap: bins from which malloc only takes.
#include "heap/counted.h"

#include <cstring>
#include <utility>

#include "heap/aside.h"
#include "heap/bins.h"

namespace ashlar::heap {

namespace {

using Word [[gnu::may_alias]] = std::uint64_t;

// Leads malloc to the drained bins, or back. Each thread's heap comes by when it is made. Other threads' maps as well,
// while they read them: each entry is a byte of which both values lead to a bin of the same objects. ThreadSanitizer
// ignores it, as no order is needed.
__attribute__((no_sanitize("thread"))) void map_classes(Heap& heap, bool to_drained) {
  constexpr std::uint64_t kEach = 0x0101010101010101;  // as a factor: the same in each byte
  constexpr std::size_t kEntries = std::tuple_size_v<ClassMap>;
  const std::uint64_t keep = heap.scoped ? 0 : ~std::uint64_t{0};
  const std::uint64_t more = heap.scoped || to_drained ? drained({}) * kEach : 0;
  std::size_t g = 0;
  for (; g + sizeof keep <= kEntries; g += sizeof keep) {
    std::uint64_t classes = 0;
    std::memcpy(&classes, &slab::kClassOfGranules[g], sizeof classes);
    __atomic_store_n(reinterpret_cast<Word*>(&heap.class_of_granules[g]), (classes & keep) + more, __ATOMIC_RELAXED);
  }
  for (; g < kEntries; ++g) {
    const auto there = static_cast<std::uint8_t>((slab::kClassOfGranules[g] & keep) + more);
    __atomic_store_n(&heap.class_of_granules[g], there, __ATOMIC_RELAXED);
  }
}

// The next call that takes a small block misses. The map first: a heap that says that it counts is led back by its
// thread.
__attribute__((no_sanitize("thread"))) void lead_off(Heap& heap) {
  map_classes(heap, true);
  __atomic_store_n(&heap.counts, true, __ATOMIC_RELEASE);
}

}  // namespace

void follow_counting(Heap& heap) {
  const bool on = seen.counted.load(std::memory_order_relaxed);
  // `ashlar profile` sets `counts` from outside, so that a thread misses: what it counts in is not made then
  if (heap.counts == on && (!on || heap.counted != nullptr)) return;
  const Busy busy(heap);
  if (on && heap.counted == nullptr) {
    heap.counted = static_cast<Counted*>(page::metadata_alloc(sizeof(Counted), alignof(Counted)));
  }
  if (!on) flush_drained(heap, Flush::kToSlabs);
  // what is watched lies in the previous magazine, and misses: all objects go through the drained bins now
  for (Bin& bin : heap.bins) bin.watched = 0;
  heap.coarse = false;
  map_classes(heap, on);
  heap.counts = on;
  // make_all_miss, which came meanwhile, may have found that it counts; a fence stands between its two looks
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (!on && is_outside()) lead_off(heap);
}

void lead_to_realm(Heap& heap, bool away) {
  const Busy busy(heap);
  // Another thread that starts or ends a profile maps the classes of all heaps under this lock, by what `scoped` was
  // when it looked.
  const Guard guard(heaps.lock);
  heap.coarse = false;
  heap.scoped = away;
  map_classes(heap, heap.counts);
}

void count_allocations(bool on) {
  if (sees_every_call()) return;
  seen.counted.store(on, std::memory_order_relaxed);
  if (on) {
    // so that a thread misses that never would: a heap without `counted` is led to bins that are empty
    const Uninterrupted uninterrupted;
    const Guard guard(heaps.lock);
    for (Heap* heap = heaps.live.front(); heap != heaps.lost && heap != nullptr; heap = heap->next) {
      map_classes(*heap, true);
    }
  } else {
    make_all_miss();  // a heap that missed nothing meanwhile never counted, and would not be led back
  }
  if (current->kind == Kind::kLive && !current->busy) follow_counting(*current);
}

__attribute__((no_sanitize("thread"))) void make_all_miss() {
  const Uninterrupted uninterrupted;
  const Guard guard(heaps.lock);
  for (Heap* heap = heaps.live.front(); heap != heaps.lost && heap != nullptr; heap = heap->next) {
    if (!heap->counts) lead_off(*heap);
  }
}

Counted* counted() {
  Heap* const heap = attach();
  if (heap == nullptr || heap->busy) return nullptr;
  follow_counting(*heap);
  return heap->counts ? heap->counted : nullptr;
}

SizeClass class_of_request(std::size_t size, std::size_t alignment) {
  if (alignment > kMinAlign) return aligned_class(size, alignment);
  return size <= slab::kMaxSmall ? slab::class_for(size != 0 ? size : 1) : SizeClass{};
}

bool sees_every_call() { return every_call_is_seen(); }

std::uint32_t left_in_drained(SizeClass c) { return left_in_drained(*current, c); }

std::uint32_t shorten_drained(SizeClass c, std::uint32_t max) {
  Heap& heap = *current;
  if (heap.kind != Kind::kLive) return 0;
  const std::uint32_t count = drained_count(heap, c);
  if (count <= max) {
    if (count == 0) set_drained(heap, c, {});
    return count;
  }
  const Busy busy(heap);
  Object* rest = heap.loaded.first(drained(c));
  if (max != 0) {
    Object* last = rest;
    for (std::uint32_t i = 1; i < max; ++i) last = last->next;
    rest = std::exchange(last->next, nullptr);
  }
  set_drained(heap, c, {max != 0 ? heap.loaded.first(drained(c)) : nullptr, max});
  put_into_bin(heap, c, {rest, count - max});
  return max;
}

bool refill_drained(Heap& heap, SizeClass c) {
  const slab::Magazine magazine = take_for_drained(heap, c);
  set_drained(heap, c, magazine);
  return magazine.first != nullptr;
}

void flush_drained(Heap& heap, Flush where) {
  for (unsigned i = 1; i < slab::kClasses; ++i) {
    const SizeClass c(i);
    const slab::Magazine magazine{heap.loaded.first(drained(c)), drained_count(heap, c)};
    heap.loaded.first(drained(c)) = nullptr;
    if (!magazine) continue;
    if (where == Flush::kToDepot) slab::return_to_depot(c, magazine, "free()");
    else slab::return_to_slabs(c, magazine, "free()");
  }
}

Uninterrupted::Uninterrupted() {
  if (current->kind != Kind::kLive || current->busy) return;
  heap_ = current;
  heap_->busy = true;
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

Uninterrupted::~Uninterrupted() {
  if (heap_ == nullptr) return;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  heap_->busy = false;
}

}  // namespace ashlar::heap
