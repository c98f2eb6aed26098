// heap: filling, emptying and sizing the bins of named caches. As bins.cc, but a bin's limit only grows within the
// heap's budget, and goes back to nothing when the heap is flushed.
//
// A thread enters the gate (gate.h) wherever it moves objects, so that a fork loses none of them in the child, but not
// for a constructor, which is the program's. Where the gate stays closed it goes on: it waits for the fork's locks.
#include "heap/named_bins.h"

#include <utility>

#include "base/hints.h"
#include "heap/bins.h"
#include "heap/gate.h"
#include "heap/lost.h"
#include "heap/quiet.h"

namespace ashlar::heap {

[[ASHLAR_SPARSE]] constinit NamedBins no_bins;
constinit thread_local NamedBins* named_bins = &no_bins;

namespace {

using slab::Magazine;
using slab::NamedCache;

constexpr std::size_t kFirstMagazine = 1024;  // as for size classes

NamedBins* bins_of(const Heap& heap) {
  return __atomic_load_n(&heap.named, __ATOMIC_ACQUIRE);  // pairs with the release in open_bins
}

std::uint32_t loaded_count(const NamedBins& bins, std::size_t n) {
  return bins.bins[n].capacity - std::uint32_t{bins.room[n]};
}

void load(NamedBins& bins, std::size_t n, Object* first, std::uint32_t count) {
  NamedBin& bin = bins.bins[n];
  bin.capacity = static_cast<std::uint16_t>(count > bin.limit ? count : bin.limit);
  bins.first[n] = first;
  bins.room[n] = static_cast<std::uint16_t>(bin.capacity - count);
}

Magazine unload(NamedBins& bins, std::size_t n) {
  const Magazine magazine{std::exchange(bins.first[n], nullptr), loaded_count(bins, n)};
  load(bins, n, nullptr, 0);
  return magazine;
}

Magazine take_previous(NamedBin& bin) {
  return {std::exchange(bin.previous, nullptr), std::exchange(bin.previous_count, std::uint16_t{0})};
}

void forget_limit(Heap& heap, NamedBin& bin) {
  ASHLAR_ASSERT(heap.promised >= bin.promised, "a heap counts what its bins may hold");
  heap.promised -= bin.promised;
  bin.promised = 0;
  bin.limit = 0;
}

void grow(Heap& heap, NamedBin& bin, const slab::ClassInfo& info) {
  if (bin.limit >= info.magazine) return;
  const std::size_t initial = kFirstMagazine / info.size;
  std::size_t limit = bin.limit != 0 ? bin.limit * std::size_t{2} : initial != 0 ? initial : 1;
  if (limit > info.magazine) limit = info.magazine;
  const std::size_t promise = 2 * limit * info.size;
  if (!may_promise(heap, promise - bin.promised)) return;
  heap.promised += static_cast<std::uint32_t>(promise - bin.promised);  // the budget is within 32 bits
  bin.promised = static_cast<std::uint32_t>(promise);
  bin.limit = static_cast<std::uint16_t>(limit);
}

// The thread's table, made if there is none; null without memory. Sets its bin right if its figures are about a
// cache that had the number before.
NamedBins* open_bins(Heap& heap, const NamedCache& named) {
  NamedBins* bins = bins_of(heap);
  if (bins == nullptr) {
    void* const memory = page::metadata_alloc(sizeof(NamedBins), 64);
    if (memory == nullptr) return nullptr;
    bins = static_cast<NamedBins*>(memory);  // all zero, as its members want it
    __atomic_store_n(&heap.named, bins, __ATOMIC_RELEASE);
  }
  named_bins = bins;
  const std::size_t n = named.info.number;
  NamedBin& bin = bins->bins[n];
  if (bin.generation != named.generation) {
    bin.generation = named.generation;
    const Magazine rest = unload(*bins, n);  // empty, unless this thread already freed to the new cache
    forget_limit(heap, bin);
    load(*bins, n, rest.first, rest.count);
  }
  return bins;
}

// One object from a node's slabs, or another's if it has none.
Magazine take_one(NamedCache& named, NodeId node) {
  Magazine magazine;
  {
    const Entry entry;
    magazine = slab::take(named, 1, node);
  }
  slab::construct(named, magazine);
  if (magazine.count > 1) {
    const Entry entry;
    slab::return_to_depot(named, {magazine.first->next, magazine.count - 1}, "ashlar_cache_alloc()");
  }
  return {magazine.first, magazine.first != nullptr ? 1U : 0U};
}

void return_one(NamedCache& named, Object* link, const char* caller) {
  link->next = nullptr;
  slab::return_to_slabs(named, {link, 1}, caller);
}

// Objects for an empty bin, not constructed where Magazine::fresh says so.
Magazine take_for(Heap& heap, NamedBins& bins, NamedCache& named) {
  NamedBin& bin = bins.bins[named.info.number];
  if (bin.previous != nullptr) return take_previous(bin);
  grow(heap, bin, named.info);
  const std::uint32_t want = bin.limit > 1 ? bin.limit : 1;
  const Magazine magazine = slab::take(named, want, heap.node);
  if (magazine) return magazine;
  flush(heap, Flush::kToSlabs);
  slab::shrink();
  page::reclaim_all();
  return slab::take(named, want, heap.node);
}

// Keeps what an allocation did not need: in the bin, unless a constructor filled it meanwhile.
void keep(NamedBins& bins, NamedCache& named, Magazine rest) {
  const std::size_t n = named.info.number;
  if (bins.first[n] == nullptr) load(bins, n, rest.first, rest.count);
  else slab::return_to_depot(named, rest, "ashlar_cache_alloc()");
}

void* start_of(const NamedCache& named, Object* link) {
  return link != nullptr ? reinterpret_cast<char*>(link) - named.info.link : nullptr;
}

void make_room(Heap& heap, NamedBins& bins, NamedCache& named, const char* caller) {
  const std::size_t n = named.info.number;
  NamedBin& bin = bins.bins[n];
  if (loaded_count(bins, n) == 0) {
    grow(heap, bin, named.info);
    load(bins, n, nullptr, 0);
    return;
  }
  if (bin.previous != nullptr) {
    grow(heap, bin, named.info);
    slab::return_to_depot(named, take_previous(bin), caller);
  }
  const Magazine full = unload(bins, n);
  bin.previous = full.first;
  bin.previous_count = static_cast<std::uint16_t>(full.count);
}

void put(Heap& heap, NamedCache& named, Object* link, const char* caller) {
  NamedBins* const bins = open_bins(heap, named);
  if (bins == nullptr) return return_one(named, link, caller);
  const std::size_t n = named.info.number;
  if (link == bins->first[n] || link == bins->bins[n].previous) [[unlikely]]
    die_of_double_free(reinterpret_cast<char*>(link) - named.info.link, caller);
  if (bins->room[n] == 0) make_room(heap, *bins, named, caller);
  if (bins->room[n] == 0) return return_one(named, link, caller);
  --bins->room[n];
  link->next = std::exchange(bins->first[n], link);
}

}  // namespace

namespace {

// The first of a magazine's objects, all of them constructed, for the caller; the others go to the bin.
void* take_first(Heap& heap, NamedBins& bins, NamedCache& named, Magazine magazine) {
  if (!magazine) return nullptr;
  const Magazine rest{magazine.first->next, magazine.count - 1};
  if (current != &heap) {
    slab::return_to_depot(named, rest, "ashlar_cache_alloc()");
  } else {
    {
      const Busy busy(heap);
      keep(bins, named, rest);
    }
    maintain(heap, Caller::kAllocates);
  }
  return start_of(named, magazine.first);
}

}  // namespace

void* allocate(NamedCache& named) {
  Heap* const heap = attach();
  if (heap == nullptr) return start_of(named, take_one(named, own_node().id).first);
  if (heap->busy) return nullptr;  // a signal handler's call
  Magazine magazine;
  NamedBins* bins = nullptr;
  {
    const Entry entry;
    {
      const Busy busy(*heap);
      bins = open_bins(*heap, named);
      if (bins != nullptr && bins->first[named.info.number] != nullptr) magazine = unload(*bins, named.info.number);
      else if (bins != nullptr) magazine = take_for(*heap, *bins, named);
    }
    if (bins != nullptr && !slab::needs_construction(named, magazine)) return take_first(*heap, *bins, named, magazine);
  }
  if (bins == nullptr) return start_of(named, take_one(named, own_node().id).first);
  slab::construct(named, magazine);  // the program's code: may allocate, also from this cache
  const Entry entry;
  return take_first(*heap, *bins, named, magazine);
}

namespace {

[[gnu::noinline]] Magazine take_wished(Heap* heap, NamedCache& named, const ObjectWish& wish) {
  const auto take = [&] {
    return wish.this_node ? slab::take_on_node(named, 1, wish.node) : slab::take(named, 1, wish.node);
  };
  const Magazine magazine = take();
  if (magazine || !wish.may_reclaim) return magazine;
  if (heap != nullptr) flush(*heap, Flush::kToSlabs);
  slab::shrink();
  page::reclaim_all();
  return take();
}

}  // namespace

[[gnu::noinline]] void* allocate_wished(NamedCache& named, const ObjectWish& wish) {
  Heap* const heap = attach();
  if (heap != nullptr && heap->busy) return nullptr;  // a signal handler's call
  Magazine magazine;
  {
    const Entry entry;
    const Uninterrupted uninterrupted;
    magazine = take_wished(heap, named, wish);
  }
  if (!magazine) return nullptr;
  slab::construct(named, magazine);
  const Entry entry;
  {
    const Uninterrupted uninterrupted;
    slab::return_to_depot(named, {magazine.first->next, magazine.count - 1}, "ashlar_cache_alloc_node()");
  }
  if (heap != nullptr) maintain(*heap, Caller::kAllocates);
  return start_of(named, magazine.first);
}

[[gnu::noinline]] void release(NamedCache& named, void* p, const char* caller) {  // free, which has entered, calls it
  if (slab::named_object_around(p) != p) slab::die_of_invalid(caller, p);
  auto* const link = reinterpret_cast<Object*>(static_cast<char*>(p) + named.info.link);
  Heap* const heap = worth_a_heap() ? attach() : nullptr;
  const Entry entry;
  if (heap == nullptr) return return_one(named, link, caller);
  if (heap->busy) return defer(p);  // in a signal handler that interrupted this thread's slow path
  {
    const Busy busy(*heap);
    put(*heap, named, link, caller);
  }
  maintain(*heap, Caller::kFrees);
}

void shrink(NamedCache& named) {
  Heap* const heap = attach();
  const Entry entry;
  if (heap != nullptr && !heap->busy && bins_of(*heap) != nullptr) {
    const Busy busy(*heap);
    verify_named(*heap, named, may_lack_pages());
    NamedBins& bins = *bins_of(*heap);
    const std::size_t n = named.info.number;
    for (const Magazine magazine : {take_previous(bins.bins[n]), unload(bins, n)}) {
      if (magazine) slab::return_to_slabs(named, magazine, "ashlar_cache_free()");
    }
  }
  const Uninterrupted uninterrupted;
  slab::shrink(named);
  if (cached_objects(named) != 0) page::request_shrink();
}

[[ASHLAR_ALWAYS_RUN]] void flush_named(Heap& heap, Flush where) {
  NamedBins* const bins = bins_of(heap);
  if (bins == nullptr) return;
  for (unsigned n = 1; n < slab::numbers_in_use(); ++n) {
    NamedCache& named = *slab::named_at(static_cast<CacheNumber>(n));
    forget_limit(heap, bins->bins[n]);
    if (bins->first[n] == nullptr && bins->bins[n].previous == nullptr) {
      load(*bins, n, nullptr, 0);
      continue;
    }
    const slab::Move move(named);
    for (const Magazine magazine : {take_previous(bins->bins[n]), unload(*bins, n)}) {
      if (!magazine) continue;
      if (where == Flush::kToDepot) slab::return_to_depot(named, magazine, "ashlar_cache_free()");
      else slab::return_to_slabs(named, magazine, "ashlar_cache_free()");
    }
  }
}

void return_named_of_lost_thread(Heap& heap) {
  NamedBins* const bins = bins_of(heap);
  if (bins == nullptr) return;
  for (unsigned n = 1; n < slab::numbers_in_use(); ++n) {
    NamedCache& named = *slab::named_at(static_cast<CacheNumber>(n));
    const slab::Move move(named);
    // the lists are what counts, as for size classes
    slab::return_to_slabs(named, {readable_part(bins->first[n]), 0}, "ashlar_cache_free()");
    slab::return_to_slabs(named, {readable_part(bins->bins[n].previous), 0}, "ashlar_cache_free()");
    bins->first[n] = nullptr;
    forget_limit(heap, bins->bins[n]);
    bins->bins[n].previous = nullptr;
    bins->bins[n].previous_count = bins->bins[n].capacity = bins->room[n] = 0;
  }
}

// Reads neighbours' counts while they change them, as heap::counts does.
__attribute__((no_sanitize("thread"))) std::uint64_t cached_objects(const NamedCache& named) {
  std::uint64_t sum = 0;
  const unsigned n = named.info.number;
  for (const Heap* heap = lock_heaps(); heap != nullptr; heap = heap->next) {
    const NamedBins* const bins = bins_of(*heap);
    if (bins == nullptr) continue;
    const unsigned capacity = bins->bins[n].capacity, room = bins->room[n];
    sum += bins->bins[n].previous_count + (capacity > room ? capacity - room : 0U);
  }
  unlock_heaps();
  return sum;
}

namespace {

// Follows a list that its thread may be changing: each step is checked to be a link of the cache's slabs.
__attribute__((no_sanitize("thread"))) bool is_on(const Object* list, const Object* object) {
  constexpr unsigned kMax = 1024;
  for (unsigned i = 0; i < kMax && list != nullptr && page::named_of(list) == page::named_of(object); ++i) {
    if (list == object) return true;
    list = list->next;
  }
  return false;
}

// Called by find_live, under the lock of the heaps.
__attribute__((no_sanitize("thread"))) bool is_cached(const Object* object) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  const std::size_t n = page::named_of(object);
  for (const Heap* heap = heaps.live.front(); heap != nullptr; heap = heap->next) {
    const NamedBins* const bins = bins_of(*heap);
    if (bins != nullptr && (is_on(bins->first[n], object) || is_on(bins->bins[n].previous, object))) return true;
  }
  return false;
}

}  // namespace

[[gnu::noinline]] unsigned find_live(NamedCache& named, const void** objects, unsigned max) {
  const Quiet quiet;
  lock_heaps();
  const unsigned found = slab::find_live(named, is_cached, objects, max);
  unlock_heaps();
  return found;
}

}  // namespace ashlar::heap
