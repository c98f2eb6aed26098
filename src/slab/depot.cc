// slab: the depot of each cache, and what concerns all caches: shrinking, counts, fork.
#include <atomic>
#include <cstring>
#include <utility>

#include "slab/cache.h"

namespace ashlar::slab {

namespace {

// What all depots hold. Relaxed: a bound that may be missed by a magazine or two, nothing is published with it.
constinit std::atomic<std::size_t> all_depots_bytes{0};

// Bytes that threads gave back less those that they took since the last shrink, not below zero for long. In a program
// that frees for good, a few cached objects pin most of the slabs: when what it gave back comes to a sixteenth of
// the heap, all let go. Relaxed: a hint, which a lost update makes a little late.
// A program near its height keeps what it caches: it is likely to need it again.
constinit std::atomic<std::size_t> net_given{0};
constexpr std::size_t kNoMatter = std::size_t{3} << 20;  // heaps up to this size keep what they cache

void note_given(std::size_t bytes) {
  const std::size_t net = net_given.load(std::memory_order_relaxed) + bytes;
  const std::size_t live = page::live_hint().bytes();
  const bool much = live > kNoMatter && net > live / 16 && page::far_below_peak();
  net_given.store(much ? 0 : net, std::memory_order_relaxed);
  if (much) page::request_shrink();
}

void note_taken(std::size_t bytes) {
  const std::size_t net = net_given.load(std::memory_order_relaxed);
  net_given.store(net > bytes ? net - bytes : 0, std::memory_order_relaxed);
}

std::size_t bytes_of(SizeClass size_class, Magazine magazine) { return magazine.count * size_of(size_class); }

// The hint: is there a magazine? Pairs with nothing; a stale answer means a look at the slabs, or one under the lock.
bool seems_empty(const Cache& cache) { return __atomic_load_n(&cache.depot_count, __ATOMIC_RELAXED) == 0; }

void set_count(Cache& cache, std::uint32_t n) { __atomic_store_n(&cache.depot_count, n, __ATOMIC_RELAXED); }

// The newest magazine, or the oldest, whose objects are the coldest.
enum class End { kNewest, kOldest };

// Takes the newest magazine, or the oldest, under the depot's lock; there is one.
Magazine take_out(Cache& cache, SizeClass size_class, End end) {
  set_count(cache, cache.depot_count - 1);
  if (cache.depot_count < cache.depot_least) cache.depot_least = cache.depot_count;
  const Magazine magazine = cache.depot[end == End::kNewest ? cache.depot_count : 0];
  if (end == End::kOldest) std::memmove(cache.depot, cache.depot + 1, cache.depot_count * sizeof(Magazine));
  cache.depot_objects -= magazine.count;
  all_depots_bytes.fetch_sub(bytes_of(size_class, magazine), std::memory_order_relaxed);
  return magazine;
}

Magazine pop(Cache& cache, SizeClass size_class, End end) {
  if (seems_empty(cache)) return {};
  const Guard guard(cache.depot_lock);
  return cache.depot_count != 0 ? take_out(cache, size_class, end) : Magazine{};
}

// Puts a magazine in. `evicted` gets the oldest one if there was no room for both. False if depots may hold no more.
bool push(Cache& cache, SizeClass size_class, Magazine magazine, Magazine& evicted) {
  const std::size_t bytes = bytes_of(size_class, magazine);
  const Guard guard(cache.depot_lock);
  if (cache.depot_count == kDepotSlots || cache.depot_objects * size_of(size_class) + bytes > kDepotBytes) {
    if (cache.depot_count == 0) return false;
    evicted = take_out(cache, size_class, End::kOldest);
  } else if (all_depots_bytes.load(std::memory_order_relaxed) + bytes > kAllDepotsBytes) {
    return false;
  }
  if (cache.depot == nullptr) {
    cache.depot = static_cast<Magazine*>(page::metadata_alloc(kDepotSlots * sizeof(Magazine), alignof(Magazine)));
    if (cache.depot == nullptr) return false;
  }
  cache.depot[cache.depot_count] = magazine;
  set_count(cache, cache.depot_count + 1);
  cache.depot_objects += magazine.count;
  all_depots_bytes.fetch_add(bytes, std::memory_order_relaxed);
  return true;
}

void drain(SizeClass size_class, std::uint32_t most) {
  for (; most > 0; --most) {
    const Magazine magazine = pop(cache_of(size_class), size_class, End::kOldest);
    if (!magazine) return;
    give_to_slabs(size_class, magazine, "free()");
  }
}

// Frees the slabs without a live object: the spare one, and the one that is being carved.
void drop_empty_slabs(SizeClass size_class) {
  Cache& cache = cache_of(size_class);
  Page* freed = nullptr;
  {
    const Guard guard(cache.lock);
    if (cache.current != nullptr && cache.current->slab.in_use == 0) {
      forget_slab(cache, std::exchange(cache.current, nullptr), freed);
    }
    if (cache.spare != nullptr) forget_slab(cache, std::exchange(cache.spare, nullptr), freed);
  }
  free_slabs(freed);
}

// Frees a spare slab that was spare at the last reap already.
void drop_unused_spare(Cache& cache) {
  Page* freed = nullptr;
  {
    const Guard guard(cache.lock);
    if (cache.spare != nullptr && cache.spare == cache.spare_seen) {
      forget_slab(cache, std::exchange(cache.spare, nullptr), freed);
    }
    cache.spare_seen = cache.spare;
  }
  free_slabs(freed);
}

template <class Visit>
void for_classes(Visit visit) {
  for (unsigned c = 1; c < kClasses; ++c) visit(SizeClass(c));
}

}  // namespace

Magazine take(SizeClass size_class, std::uint32_t want) {
  Cache& cache = cache_of(size_class);
  Magazine magazine = pop(cache, size_class, End::kNewest);
  if (!magazine) {
    const Guard guard(cache.lock);
    magazine = take_from_slabs(cache, size_class, want);
  }
  note_taken(bytes_of(size_class, magazine));
  return magazine;
}

void give(SizeClass size_class, Magazine magazine, const char* caller) {
  if (!magazine) return;
  note_given(bytes_of(size_class, magazine));
  // A depot full of remnants would be of no use: what is less than a sixteenth of a magazine goes to the slabs.
  const bool worth_it = magazine.count * 16 >= info_of(size_class).magazine;
  Magazine evicted;
  if (!worth_it || !push(cache_of(size_class), size_class, magazine, evicted)) evicted = magazine;
  if (evicted) give_to_slabs(size_class, evicted, caller);
}

void shrink() {
  for_classes([](SizeClass c) {
    drain(c, kDepotSlots);
    drop_empty_slabs(c);
  });
}

void reap() {
  for_classes([](SizeClass c) {
    Cache& cache = cache_of(c);
    drop_unused_spare(cache);
    if (seems_empty(cache)) return;
    std::uint32_t unused = 0;
    {
      const Guard guard(cache.depot_lock);
      unused = std::exchange(cache.depot_least, cache.depot_count);
      cache.depot_least -= unused < cache.depot_least ? unused : cache.depot_least;
    }
    drain(c, unused);
  });
}

CacheCounts counts(SizeClass size_class) {
  Cache& cache = cache_of(size_class);
  CacheCounts n;
  n.object_size = size_of(size_class);
  {
    const Guard guard(cache.lock);
    n.slabs = cache.slabs;
    n.pages = cache.pages;
    n.capacity = cache.capacity;
    n.out = cache.out;
  }
  const Guard guard(cache.depot_lock);
  n.depot_objects = cache.depot_objects;
  n.depot_magazines = cache.depot_count;
  return n;
}

const void* object_around(const void* p) {
  const Page* const slab = page::slab_of(p);
  const std::uintptr_t base = page::page_address(slab);
  const std::size_t size = size_of(slab->slab.size_class);
  const std::size_t offset = (reinterpret_cast<std::uintptr_t>(p) - base) / size * size;
  return reinterpret_cast<const void*>(base + offset);
}

void die_of_invalid(const char* caller, const void* p) {
  Text<300> line;
  line << caller << ": invalid pointer ";
  line.pointer(p) << ": not the start of a block (";
  const SizeClass size_class = page::class_of(p);
  const void* const start = size_class.raw != 0 ? object_around(p) : nullptr;
  if (start == nullptr) {
    line << "nothing is allocated there";
  } else if (start == p) {
    line << "no block was handed out there, or it was freed before";
  } else {
    const auto inside = reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(start);
    line << "it lies " << inside << " bytes inside the block of " << size_of(size_class) << " bytes at ";
    line.pointer(start);
  }
  line << ")";
  os::say(line.view());
  os::die();
}

void lock_for_fork() {
  for_classes([](SizeClass c) { cache_of(c).lock.lock_beside_same_rank(); });
  for_classes([](SizeClass c) { cache_of(c).depot_lock.lock_beside_same_rank(); });
}

void unlock_in_parent() {
  for_classes([](SizeClass c) { cache_of(c).depot_lock.unlock(); });
  for_classes([](SizeClass c) { cache_of(c).lock.unlock(); });
}

void reset_in_child() {
  for_classes([](SizeClass c) {
    cache_of(c).depot_lock.reset();
    cache_of(c).lock.reset();
  });
}

}  // namespace ashlar::slab
