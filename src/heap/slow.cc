// heap: what the fast path's misses lead to.
#include <utility>

#include "base/bytes.h"
#include "base/hints.h"
#include "heap/bins.h"
#include "heap/emergency.h"
#include "heap/gate.h"
#include "heap/lost.h"
#include "heap/named_bins.h"
#include "heap/realm.h"
#include "heap/watched.h"
#include "heap/zero.h"

namespace ashlar::heap {

namespace {

void return_one_to_slabs(SizeClass c, void* p, const char* caller) {
  auto* const object = static_cast<Object*>(p);
  object->next = nullptr;
  slab::return_to_slabs(c, {object, 1}, caller);
}

// A thread that only frees now and then needs no heap. Nor does one in its very last moments, when libc frees the
// stacks and thread-local memory of others, perhaps of hundreds: nothing would end a heap that is made then.
constexpr std::uint8_t kFreesWithoutHeap = 8;
constinit thread_local std::uint8_t frees_without_heap = 0;

[[gnu::noinline, gnu::cold]] bool is_lasting() {
  frees_without_heap = 0;  // the next look comes after as many again
  return !os::thread_is_ending();
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] bool worth_a_heap() {
  return current->kind != Kind::kNobody || (++frees_without_heap > kFreesWithoutHeap && is_lasting());
}

namespace {

// By slob, or what it has no room for.
[[gnu::cold]] void* allocate_slob(std::size_t size, std::size_t alignment) {
  bool zeroed = false;
  if (size > slob::kMaxBytes || alignment > slob::kMaxAlignment) return allocate_large(size, alignment, zeroed);
  void* const p = slob::allocate(size, alignment, own_node());
  if (p != nullptr) return p;
  slab::shrink();
  page::reclaim_all();
  return slob::allocate(size, alignment, own_node());
}

// For a thread without a heap: straight to the slabs.
void* allocate_direct(std::size_t size, std::size_t alignment) {
  if (busy_apart) return allocate_emergency(size, alignment);  // a signal handler's call
  tick_without_heap(Caller::kAllocates);
  const BusyApart busy;
  bool zeroed = false;
  void* p = nullptr;
  if (options.slob != 0) {
    p = allocate_slob(size, alignment);
  } else if (size <= slab::kMaxSmall && alignment <= kMinAlign) {
    // one object at a time: from the slabs, as the depot has only whole magazines
    slab::Magazine magazine = slab::take(slab::class_for(size), 1, own_node().id);
    p = magazine.first;
    if (magazine.count > 1)
      slab::return_to_depot(slab::class_for(size), {magazine.first->next, magazine.count - 1}, "malloc()");
  } else {
    p = allocate_large(size, alignment, zeroed);
  }
  if (p != nullptr && options.perturb != 0) fill_block(p, static_cast<int>(~options.perturb & 0xff), size);
  return p;
}

// The first object of a bin, or null: a signal handler may have taken what the bin was filled with. The map is not read
// again: other threads, and commands, may have it lead to another bin by now (counted.h).
void* pop_from(Heap& heap, SizeClass c) {
  Object* const object = heap.loaded.first(c.raw);
  if (object == nullptr) [[unlikely]]
    return nullptr;
  heap.loaded.first(c.raw) = object->next;
  heap.loaded.set_room(c.raw, heap.loaded.room(c.raw) + 1u);
  return object;
}

// `hit` tells whether a bin had it that lets all calls miss, to watch them.
void* allocate_small(Heap& heap, std::size_t size, bool& hit) {
  SizeClass c(heap.class_of_granules[(size + kMinAlign - 1) / kMinAlign]);
  if (heap.scoped) [[unlikely]]
    c = heap.counts ? SizeClass(drained(slab::class_for(size))) : slab::class_for(size);
  // a bin from which malloc alone takes is never watched
  const bool watched = c.raw < slab::kClasses && heap.bins[c.raw].watched != 0;
  hit = watched && heap.bins[c.raw].previous != nullptr;
  if (hit) return take_watched(heap, c);
  for (;;) {
    if (!refill(heap, c)) {
      // what other bins and classes hold may make whole pages
      while (take_lost_apart()) {
      }
      flush(heap, Flush::kToSlabs);
      slab::shrink();
      vmalloc::drop_kept();
      page::reclaim_all();
      if (!refill(heap, c)) return nullptr;
    }
    if (void* const p = pop_from(heap, c)) {
      if (watched) stow(heap, c);
      return p;
    }
  }
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] void* allocate(std::size_t size) {
  bool zeroed = false;
  return allocate_maybe_zeroed(size, zeroed);
}

[[ASHLAR_ALWAYS_RUN]] void* allocate_maybe_zeroed(std::size_t size, bool& zeroed) {
  const bool wanted = std::exchange(zeroed, false);
  if (size == 0) size = 1;  // programs write to what malloc(0) gave them, since glibc's blocks have 24 bytes at least
  Heap* const heap = attach();
  if (heap == nullptr) return allocate_direct(size, kMinAlign);
  if (void* const p = pop(size)) return p;          // attach may have called back and filled the bin
  if (heap->busy) return allocate_emergency(size);  // a signal handler's call
  void* p = nullptr;
  bool hit = false;
  {
    const Busy busy(*heap);
    if (size > slab::kMaxSmall) zeroed = wanted;
    p = size <= slab::kMaxSmall ? allocate_small(*heap, size, hit) : allocate_large(size, kMinAlign, zeroed);
  }
  if (!hit) maintain(*heap, Caller::kAllocates);
  return p;
}

[[ASHLAR_SELDOM_RUN]] void* pop_aligned(std::size_t size, std::size_t alignment) {
  if (alignment <= kMinAlign) return pop(size);
  const SizeClass c = aligned_class(size, alignment);
  return c.raw != 0 ? pop(slab::size_of(c)) : nullptr;
}

[[ASHLAR_SELDOM_RUN]] void* allocate_aligned(std::size_t size, std::size_t alignment) {
  if (alignment <= kMinAlign) return allocate(size);
  const SizeClass c = aligned_class(size, alignment);
  if (c.raw != 0 && options.slob == 0) return allocate(slab::size_of(c));
  Heap* const heap = attach();
  if (heap == nullptr) return allocate_direct(size, alignment);
  if (heap->busy) return allocate_emergency(size, alignment);
  bool zeroed = false;
  void* p = nullptr;
  {
    const Busy busy(*heap);
    p = allocate_large(size, alignment, zeroed);
  }
  maintain(*heap, Caller::kAllocates);
  return p;
}

namespace {

// For a thread without a heap: straight to the slabs.
bool release_direct(void* p, SizeClass c, const char* caller) {
  if (busy_apart) {  // in a signal handler
    defer(p);
    return true;
  }
  tick_without_heap(Caller::kFrees);
  const BusyApart busy;
  if (c.raw == 0) {
    if (options.perturb != 0) perturb_large(p, caller);
    return release_large(p, caller);
  }
  if (slab::object_around(p) != p || !slab::is_out(p, c)) slab::die_of_invalid(caller, p);
  if (options.perturb != 0) fill_block(p, static_cast<int>(options.perturb), slab::size_of(c));
  return_one_to_slabs(c, p, caller);
  return true;
}

}  // namespace

[[ASHLAR_RUN_LATER]] bool release(void* p, const char* caller) {
  if (!page::is_address(p)) [[unlikely]]
    return false;
  const SizeClass c = page::class_of(p);
  if (slab::NamedCache* const named = c.raw == 0 ? named_around(p) : nullptr) {
    release(*named, p, caller);
    return true;
  }
  Heap* const heap = worth_a_heap() ? attach() : nullptr;
  if (heap == nullptr) return release_direct(p, c, caller);
  if (heap->busy) {  // in a signal handler that interrupted this thread's slow path
    defer(p);
    return true;
  }
  bool done = true, hit = false;
  {
    const Busy busy(*heap);
    if (c.raw == 0) {
      done = release_large(p, caller);
    } else {
      if (p == heap->loaded.first(c.raw) || p == heap->bins[c.raw].previous) [[unlikely]]
        die_of_double_free(p, caller);
      if (!slab::starts_object(p, c)) [[unlikely]]
        slab::die_of_invalid(caller, p);
      hit = heap->bins[c.raw].watched != 0 && put_watched(*heap, c, p, caller);
      if (!hit && heap->loaded.room(c.raw) == 0) make_room(*heap, c, caller);
      if (!hit && !push(p)) return_one_to_slabs(c, p, caller);
    }
  }
  if (!hit) maintain(*heap, Caller::kFrees);
  return done;
}

namespace {

[[gnu::always_inline]] inline std::size_t usable_of_any(const void* p, const char* caller, Asked who) {
  const SizeClass c = page::class_of(p);
  if (c.raw == 0) {
    if (const slab::NamedCache* const named = named_around(p)) {
      if (slab::named_object_around(p) != p) slab::die_of_invalid(caller, p);
      return named->usable;
    }
    return usable_large(p, caller, who);
  }
  return usable_in_slab(p, caller);
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] std::size_t usable_bytes(const void* p, const char* caller) {
  return usable_of_any(p, caller, Asked::kByUs);
}
std::size_t tell_usable_bytes(const void* p, const char* caller) { return usable_of_any(p, caller, Asked::kByProgram); }

std::size_t peek_usable_bytes(const void* p) {
  const SizeClass c = page::class_of(p);
  if (c.raw != 0) return slab::size_of(c);
  if (const slab::NamedCache* const named = named_around(p)) return named->usable;
  if (const std::size_t bytes = usable_emergency(p)) return bytes;
  if (options.slob != 0 && slob::holds(p)) return slob::peek_bytes(p);
  if (const RealmBlock* const block = peek_realm_block(p)) return peek_usable_bytes(*block, p);
  const bool starts_page = reinterpret_cast<std::uintptr_t>(p) % kPageBytes == 0;
  const page::Run run = starts_page ? page::find_run(PageId::of(p)) : page::Run{};
  return run && !run.from_alloc_pages && !run.owned ? run.count.bytes() : vmalloc::peek_bytes_of(p);
}

[[ASHLAR_ALWAYS_RUN]] bool has_no_bytes(const void* p) { return is_zero_block(p); }

}  // namespace ashlar::heap
