// slab, private: a cache: its slabs, and the depot that stands before them.
//
// Defined in named_cache.cc and slabs.cc.
#pragma once

#include <atomic>

#include "os/sanitizers.h"
#include "slab/slab.h"

namespace ashlar::slab {

using page::Page;

inline constexpr unsigned kBuckets = 8;  // partial lists by how much is free
// The most that a depot holds, in a process with one thread and with several. Objects that pass through the slabs are
// mixed among threads, and each thread then waits for cache lines that another processor wrote.
struct DepotLimit {
  unsigned slots;  // magazines
  std::size_t bytes;
};
inline constexpr DepotLimit kOneThread = {256, 1_MiB};
inline constexpr DepotLimit kThreads = {256, 4_MiB};
inline constexpr unsigned kFirstSlots = 32;            // of the table that most depots get along with
inline constexpr std::size_t kAllDepotsBytes = 8_MiB;  // all depots together
// What a step returns to the slabs: each object may cost a cache miss or two, and each large one a slab's pages.
inline constexpr std::uint64_t kStepObjects = 128, kStepBytes = 256_KiB;
// A cache may be sparse if its slabs take at least this much: see how_filled in depot.cc.
inline constexpr std::size_t kMinSparse = 1_MiB;
// Above this total, depots that nobody uses any more are emptied.
inline constexpr std::size_t kFewDepotsBytes = 512_KiB;

// A slab is, as seen from the lists:
//   current  being carved (has never-used room); on no list
//   partial  on partial[bucket], bucket 0 the fullest
//   full     nothing free; on no list
//   spare    nothing in use; on a chain of their own: one, or some of constructed objects, so that these are not
//            constructed again and again. `bucket` of the first is the number of the others.
struct alignas(64) Cache {
  Lock<LockRank::kCache> lock;
  std::uint32_t nonempty ASHLAR_GUARDED_BY(lock) = 0;  // bit b: partial[b] is not empty
  Page* current ASHLAR_GUARDED_BY(lock) = nullptr;
  List<Page> partial[kBuckets] ASHLAR_GUARDED_BY(lock);
  Page* spare ASHLAR_GUARDED_BY(lock) = nullptr;
  Page* spare_seen ASHLAR_GUARDED_BY(lock) = nullptr;  // the spare at the last reap
  std::uint64_t slabs ASHLAR_GUARDED_BY(lock) = 0;
  std::uint64_t pages ASHLAR_GUARDED_BY(lock) = 0;
  std::uint64_t capacity ASHLAR_GUARDED_BY(lock) = 0;  // this and `out` are read without the lock, too, as hints
  std::uint64_t out ASHLAR_GUARDED_BY(lock) = 0;

  // On a cache line of their own: a thread that exchanges magazines does not wait for one that returns objects to
  // slabs.
  alignas(64) Lock<LockRank::kDepot> depot_lock;
  // also read without the lock, as a hint whether a look is worth it
  std::uint32_t depot_count ASHLAR_GUARDED_BY(depot_lock) = 0;
  std::uint32_t depot_min ASHLAR_GUARDED_BY(depot_lock) = 0;  // the least depot_count since the last reap
  // the number of exchanges with all depots when it was last used
  std::uint32_t depot_used ASHLAR_GUARDED_BY(depot_lock) = 0;
  std::uint64_t depot_objects ASHLAR_GUARDED_BY(depot_lock) = 0;  // also read without the lock, as a hint
  Magazine* depot ASHLAR_GUARDED_BY(depot_lock) = nullptr;        // depot_slots of them, made when first needed
  std::uint32_t depot_slots ASHLAR_GUARDED_BY(depot_lock) = 0;

  // How often a thread began and ended to move objects from a magazine to slabs on nobody's behalf, or to free a slab
  // that is not counted any more. Release where one ends, acquire in moves_of: a thread that sees the end sees the
  // slabs' counts after it. Only the first node's part counts them.
  std::atomic<std::uint32_t> moves_begun{0}, moves_ended{0};

  // Those of the other nodes, by node; made when first needed, under `lock`. Release there, acquire in on_node.
  std::atomic<Cache*> others{nullptr};
  NodeId node;
};

// A figure that is written under its lock and read without it. Relaxed: it publishes nothing.
inline std::uint64_t hint(const std::uint64_t& figure) { return __atomic_load_n(&figure, __ATOMIC_RELAXED); }
inline void add(std::uint64_t& figure, std::uint64_t n) { __atomic_store_n(&figure, figure + n, __ATOMIC_RELAXED); }
inline void subtract(std::uint64_t& figure, std::uint64_t n) {
  __atomic_store_n(&figure, figure - n, __ATOMIC_RELAXED);
}

extern Cache caches[kClasses];

// All depots together. Relaxed: bounds that may be missed by a magazine or two, and hints; nothing is published with
// them.
struct Depots {
  std::atomic<std::size_t> bytes{0};         // that they hold
  std::atomic<std::uint32_t> exchanges{0};   // with them: their clock
  std::atomic<std::size_t> net_returned{0};  // that threads returned less those that they took since the last shrink
  std::atomic<unsigned> shrink_at{0};        // the place of the cache that a step empties next, see shrink_step; or 0
  std::atomic<bool> stale_left{false};       // the last search for stale depots left some
};
extern Depots depots;

// How much one call still returns from depots and stocks to the slabs. The last magazine may be more than that.
class Portion {
 public:
  static Portion all() { return {UINT64_MAX, UINT64_MAX}; }
  static Portion step() { return {kStepObjects, kStepBytes}; }
  [[nodiscard]] bool used_up() const { return objects_ == 0 || bytes_ == 0; }
  void use(const ClassInfo& info, Magazine magazine) {
    const std::uint64_t bytes = std::uint64_t{magazine.count} * info.size;
    objects_ -= magazine.count < objects_ ? magazine.count : objects_;
    bytes_ -= bytes < bytes_ ? bytes : bytes_;
  }

 private:
  Portion(std::uint64_t objects, std::uint64_t bytes) : objects_(objects), bytes_(bytes) {}

  std::uint64_t objects_, bytes_;
};

inline Cache& cache_of(SizeClass c) { return caches[c.raw]; }

// The cache's part on a node. A slab belongs to the part of the node that its pages lie on, so that an object's
// address tells it. Null if there is none yet.
inline Cache* on_node(Cache& cache, NodeId node) {
  ASHLAR_ASSERT(cache.node.raw == 0, "the first node's part knows the others: it stands for the whole cache");
  if (node.raw == 0) return &cache;
  Cache* const others = cache.others.load(std::memory_order_acquire);
  return others != nullptr ? others + node.raw : nullptr;
}

// The part to which a slab belongs; where it belongs to none, the first one.
inline Cache& part_of(Cache& cache, const Page* slab) {
  ASHLAR_ASSERT(cache.node.raw == 0, "the first node's part stands for the whole cache");
  if (page::node_count() == 1) return cache;
  Cache* const part = on_node(cache, page::node_of(slab));
  return part != nullptr ? *part : cache;
}

// Calls visit for the parts of a cache, the first node's first: once fork holds its lock, no further parts are made.
template <class Visit>
void for_parts(Cache& cache, Visit visit) {
  visit(cache);
  for (unsigned i = 1, n = page::node_count(); i < n; ++i) {
    if (Cache* const part = on_node(cache, NodeId(i))) visit(*part);
  }
}

// All handles.
struct Registry {
  Lock<LockRank::kNamed> lock;  // also against a second writer of named_caches and named_top
  List<Handle> handles ASHLAR_GUARDED_BY(lock);
  Handle* unused ASHLAR_GUARDED_BY(lock) = nullptr;
  unsigned count ASHLAR_GUARDED_BY(lock) = 0;
  bool all_seen ASHLAR_GUARDED_BY(lock) = false;  // each call of every handle
};
extern Registry registry;

// acq_rel: pairs with the acquire in moves_of, and the move's steps stay behind its beginning.
inline void begin_move(Cache& cache) { cache.moves_begun.fetch_add(1, std::memory_order_acq_rel); }
inline void end_move(Cache& cache) { cache.moves_ended.fetch_add(1, std::memory_order_release); }

// A named cache with what only this layer sees of it.
struct WholeNamedCache : NamedCache {
  // that lead here; 0 for one that is only waiting for its last objects
  unsigned handles ASHLAR_GUARDED_BY(registry.lock) = 0;
  bool may_merge ASHLAR_GUARDED_BY(registry.lock) = false;

  Cache cache;
};

// By number; from 1 to named_top, all set. Written under the lock of all named caches, read without one.
extern std::atomic<WholeNamedCache*> named_caches[kNumbers];
extern std::atomic<unsigned> named_top;

// Visits the cache at a place from 1 on: those of the classes, then the named ones. False past the last.
template <class Visit>
bool visit_cache(unsigned place, Visit visit) {
  if (place < kClasses) {
    visit(cache_of(SizeClass(place)), info_of(SizeClass(place)));
    return true;
  }
  const unsigned number = place - kClasses + 1;
  if (number >= numbers_in_use()) return false;
  // pairs with new_number's release
  WholeNamedCache* const named = named_caches[number].load(std::memory_order_acquire);
  visit(named->cache, named->info);
  return true;
}

// Visits the caches of all classes, and all named ones.
template <class Visit>
void for_caches(Visit visit) {
  for (unsigned place = 1; visit_cache(place, visit); ++place) {
  }
}

// Named caches' part of what slab.h says of forks.
void lock_named_for_fork();
void unlock_named_in_parent();
void reset_named_in_child();

// The lists of slabs.
Magazine take_from_slabs(Cache& cache, const ClassInfo& info, std::uint32_t want) ASHLAR_REQUIRES(cache.lock);
inline Magazine take_from_slabs(Cache& cache, SizeClass size_class, std::uint32_t want) ASHLAR_REQUIRES(cache.lock) {
  return take_from_slabs(cache, info_of(size_class), want);
}
// Removes a slab from the cache's counts and puts it on a chain for free_slabs, which frees the pages without the lock.
void forget_slab(Cache& cache, Page* slab, Page*& freed) ASHLAR_REQUIRES(cache.lock);
void free_slabs(Page* freed);

// What slab.h has for size classes, for any cache.
Magazine take(Cache& cache, const ClassInfo& info, std::uint32_t want, NodeId node = NodeId(0));
// From slabs of the node alone. The depot is not asked, where objects of other nodes may be among the node's.
Magazine take_on_node(Cache& cache, const ClassInfo& info, std::uint32_t want, NodeId node);
Filled return_to_depot(Cache& cache, const ClassInfo& info, Magazine magazine, const char* caller,
                       Magazine* hot = nullptr);
void return_to_slabs(Cache& cache, const ClassInfo& info, Magazine magazine, const char* caller);
void shrink(Cache& cache, const ClassInfo& info);
bool reap(Cache& cache, const ClassInfo& info);
CacheCounts counts(Cache& cache, const ClassInfo& info);

// The named cache of a slab whose objects are of no size class.
inline WholeNamedCache& named_of_slab(const Page* slab) {
  // acquire: pairs with the release in new_number
  const CacheNumber number = page::named_of(reinterpret_cast<const void*>(page::page_address(slab)));
  return *named_caches[number].load(std::memory_order_acquire);
}

// Returns the ClassInfo of a slab's objects, for size classes and named caches alike.
inline const ClassInfo& info_of_slab(const Page* slab) {
  const SizeClass c = slab->slab.size_class;
  return c.raw != 0 ? info_of(c) : named_of_slab(slab).info;
}

// The cache that a slab belongs to; of its parts on nodes, the first.
inline Cache& cache_of_slab(const Page* slab) {
  const SizeClass c = slab->slab.size_class;
  return c.raw != 0 ? cache_of(c) : named_of_slab(slab).cache;
}

}  // namespace ashlar::slab
