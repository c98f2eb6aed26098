// heap: a thread's bins for named caches: as those of the size classes, but in a table of their own, made when the
// thread first uses such a cache. A thread without one has `no_bins`: nothing to pop and no room to push.
//
// What is not in named_bins.cc is defined in verify.cc.
#pragma once

#include "heap/heap.h"

namespace ashlar::heap {

struct NamedBin {
  Object* previous = nullptr;
  std::uint16_t previous_count = 0;
  std::uint16_t capacity = 0;    // of the loaded magazine: objects in it + room
  std::uint16_t limit = 0;       // objects a magazine may hold by now
  std::uint32_t generation = 0;  // of the cache that these figures are about
  std::uint32_t promised = 0;    // bytes, as counted in Heap::promised
};

struct NamedBins {
  Object* first[slab::kNumbers + 1] = {};  // the last ones, of kSeenNumber, stay empty
  std::uint16_t room[slab::kNumbers + 1] = {};
  NamedBin bins[slab::kNumbers];
};

extern NamedBins no_bins;  // never written

// Initial-exec, as `current`; set together with it.
extern constinit thread_local NamedBins* named_bins;

// A free object of the cache from the bin of a number, or null if the magazine is empty.
inline void* pop(const slab::Handle& cache, CacheNumber number) {
  NamedBins* const bins = named_bins;
  const std::size_t n = number;
  Object* link = bins->first[n];
  forget_origin(link);
  if (link == nullptr) [[unlikely]]
    return nullptr;
  bins->first[n] = link->next;
  ++bins->room[n];
  return reinterpret_cast<char*>(link) - cache.link;
}

// Takes an object back into that bin; false if the magazine is full, or p is in no slab of a cache of this number.
inline bool push(const slab::Handle& cache, CacheNumber expected, void* p) {
  NamedBins* const bins = named_bins;
  const CacheNumber number = page::named_of(p);
  if (expected != number) [[unlikely]]
    return false;
  std::size_t n = number;
  if (bins->room[n] == 0) [[unlikely]]
    return false;
  forget_origin(n);
  --bins->room[n];
  std::atomic_signal_fence(std::memory_order_seq_cst);  // read early, the link would take a register and an instruction
  auto* const link = reinterpret_cast<Object*>(static_cast<char*>(p) + cache.link);
  link->next = bins->first[n];
  bins->first[n] = link;
  return true;
}

// The same as the fast paths do.
inline void* pop(const slab::Handle& cache) { return pop(cache, cache.fast_number); }
inline bool push(const slab::Handle& cache, void* p) { return push(cache, cache.fast_number, p); }

// The rest of an allocation: an object, constructed if the cache has a constructor; null when there is no memory.
void* allocate(slab::NamedCache& named);

struct ObjectWish {
  NodeId node;             // from its slabs, or, where it has no memory, from another's
  bool this_node = false;  // or not at all
  bool may_reclaim = true;
};
// The same as a caller wishes it. Slower, as it takes no object from the thread's bins.
void* allocate_wished(slab::NamedCache& named, const ObjectWish& wish);

// The rest of a free. p lies in a slab of the cache; aborts, naming `caller`, if it starts no object.
void release(slab::NamedCache& named, void* p, const char* caller);

// The cache in whose slab p lies, or null.
inline slab::NamedCache* named_around(const void* p) {
  const CacheNumber number = page::named_of(p);
  return number != 0 ? slab::named_at(number) : nullptr;
}

// Returns the free objects of a cache to its slabs, except those that other threads hold, and frees its empty slabs.
// The other threads return theirs when they next miss.
void shrink(slab::NamedCache& named);

// Looks through the thread's magazines of a cache, and aborts with a line if an object was freed twice, written to, or
// is none. `lacks_pages` as may_lack_pages says.
[[gnu::cold]] void verify_named(const Heap& heap, const slab::NamedCache& named, bool lacks_pages);

// True in a forked child whose arenas are not whole: lists are then cut where they lead to a page that is not there.
bool may_lack_pages();

// The free objects of a cache in all threads' magazines.
std::uint64_t cached_objects(const slab::NamedCache& named);

// Up to `max` objects of the cache that are in use, for messages.
unsigned find_live(slab::NamedCache& named, const void** objects, unsigned max);

}  // namespace ashlar::heap
