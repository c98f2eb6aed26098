// slab: named caches: handles, numbers and merging.
#include "slab/named_cache.h"

#include <atomic>

#include "base/hints.h"
#include "slab/cache.h"
#include "slab/named_names.h"
#include "slab/named_shape.h"

namespace ashlar::slab {

constinit Registry registry;

namespace {

static_assert(kSeenNumber == kNumbers, "a cache's number, and the one after all, must fit what each page has for it");

WholeNamedCache* cache_at(unsigned number) {
  return named_caches[number].load(std::memory_order_acquire);  // pairs with the release in new_number
}

// SLUB's find_mergeable: the same size and no constructor; sizes are multiples of their alignments.
WholeNamedCache* find_alike(const NamedCache& shape) ASHLAR_REQUIRES(registry.lock) {
  for (unsigned number = 1; number < numbers_in_use(); ++number) {
    WholeNamedCache* const cache = cache_at(number);
    if (cache->handles != 0 && cache->may_merge && cache->info.size == shape.info.size) return cache;
  }
  return nullptr;
}

// A number that nobody uses and whose slabs are all gone, with the objects that lay in threads' magazines.
WholeNamedCache* find_retired() ASHLAR_REQUIRES(registry.lock) {
  for (unsigned number = 1; number < numbers_in_use(); ++number) {
    WholeNamedCache* const cache = cache_at(number);
    if (cache->handles != 0) continue;
    shrink(cache->cache, cache->info);
    // a thread that frees the last slab still reads what it holds
    if (counts(cache->cache, cache->info).slabs == 0 && moves_of(*cache).settled()) return cache;
  }
  return nullptr;
}

WholeNamedCache* new_number(Made& made) ASHLAR_REQUIRES(registry.lock) {
  const unsigned number = numbers_in_use();
  made = Made::kTooMany;
  if (number == kNumbers) return nullptr;
  made = Made::kNoMemory;
  void* const memory = page::metadata_alloc(sizeof(WholeNamedCache), alignof(WholeNamedCache));
  if (memory == nullptr) return nullptr;
  auto* const cache = ::new (memory) WholeNamedCache;
  cache->info.number = static_cast<CacheNumber>(number);
  // release: pairs with the acquires in cache_at and numbers_in_use
  named_caches[number].store(cache, std::memory_order_release);
  named_top.store(number + 1, std::memory_order_release);
  return cache;
}

WholeNamedCache* make_cache(const Wanted& wanted, Made& made) ASHLAR_REQUIRES(registry.lock) {
  const NamedCache shape = shape_of(wanted);
  const bool may_merge = wanted.may_merge && wanted.ctor == nullptr && options.slab_nomerge == 0;
  if (may_merge) {
    if (WholeNamedCache* const alike = find_alike(shape)) return alike;
  }
  WholeNamedCache* cache = find_retired();
  if (cache == nullptr) cache = new_number(made);
  if (cache == nullptr) return nullptr;
  const CacheNumber number = cache->info.number;
  const std::uint32_t generation = cache->generation + 1;
  static_cast<NamedCache&>(*cache) = shape;
  cache->info.number = number;
  cache->generation = generation;
  cache->may_merge = may_merge;
  return cache;
}

Handle* new_handle(Made& made) ASHLAR_REQUIRES(registry.lock) {
  ASHLAR_ASSERT(registry.lock.held(), "the lock of named caches is held");
  if (Handle* const handle = registry.unused) {
    registry.unused = handle->next;
    return handle;
  }
  made = Made::kTooMany;
  if (registry.count == kMaxHandles) return nullptr;
  made = Made::kNoMemory;
  void* const memory = page::metadata_alloc(sizeof(Handle), alignof(Handle));
  if (memory == nullptr) return nullptr;
  ++registry.count;
  return ::new (memory) Handle;
}

WholeNamedCache& whole(NamedCache& named) { return static_cast<WholeNamedCache&>(named); }

// Other threads read it at each call, and either number leads to bins of the cache or to empty ones: ThreadSanitizer
// ignores it, as no order is needed.
__attribute__((no_sanitize("thread"))) void set_fast_number(Handle& handle) ASHLAR_REQUIRES(registry.lock) {
  const bool seen = registry.all_seen || handle.named->samples != 0;
  __atomic_store_n(&handle.fast_number, seen ? kSeenNumber : handle.number, __ATOMIC_RELAXED);
}

// Of the handles of one cache; null: of all.
void set_fast_numbers(const NamedCache* named) ASHLAR_REQUIRES(registry.lock) {
  for (Handle* handle = registry.handles.front(); handle != nullptr; handle = handle->next) {
    if (named == nullptr || handle->named == named) set_fast_number(*handle);
  }
}

}  // namespace

[[ASHLAR_SPARSE]] constinit std::atomic<WholeNamedCache*> named_caches[kNumbers];
constinit std::atomic<unsigned> named_top{0};

[[ASHLAR_ALWAYS_RUN]] unsigned numbers_in_use() {
  const unsigned top = named_top.load(std::memory_order_acquire);  // pairs with the release in new_number
  return top != 0 ? top : 1;
}

NamedCache* named_at(CacheNumber number) { return number < numbers_in_use() ? cache_at(number) : nullptr; }

Handle* create(const Wanted& wanted, Made& made) {
  const Guard guard(registry.lock);
  Handle* const handle = new_handle(made);
  if (handle == nullptr) return nullptr;
  WholeNamedCache* const cache = make_cache(wanted, made);
  if (cache == nullptr) {
    handle->next = registry.unused;
    registry.unused = handle;
    return nullptr;
  }
  ++cache->handles;
  *handle = Handle{};
  handle->link = cache->info.link;
  handle->number = cache->info.number;
  handle->named = cache;
  set_fast_number(*handle);
  handle->size = wanted.size;
  handle->alignment = alignment_of(wanted);
  set_name(*handle, wanted.name);
  registry.handles.push_front(handle);
  made = Made::kDone;
  return handle;
}

InUse destroy(Handle* handle, std::uint64_t elsewhere) {
  const Guard guard(registry.lock);
  if (handle->pools != 0) return {handle->pools, 0};
  auto* const cache = static_cast<WholeNamedCache*>(handle->named);
  if (cache->handles == 1) {
    shrink(cache->cache, cache->info);
    const std::uint64_t out = counts(cache->cache, cache->info).out;
    if (out > elsewhere) return {0, out - elsewhere};
  }
  ASHLAR_ASSERT(cache->handles > 0, "a cache counts the handles that lead to it");
  --cache->handles;
  registry.handles.remove(handle);
  handle->number = handle->fast_number = 0;
  handle->checks = 0;
  handle->name[0] = 0;
  handle->next = registry.unused;
  registry.unused = handle;
  return {};
}

void see_objects(bool on) {
  const Guard guard(registry.lock);
  registry.all_seen = on;
  set_fast_numbers(nullptr);
}

void add_sample(NamedCache& named) {
  const Guard guard(registry.lock);
  if (++named.samples == 1 && !registry.all_seen) set_fast_numbers(&named);
}

void drop_sample(NamedCache& named) {
  const Guard guard(registry.lock);
  ASHLAR_ASSERT(named.samples > 0, "a cache counts its samples");
  if (--named.samples == 0 && !registry.all_seen) set_fast_numbers(&named);
}

Move::Move(NamedCache& named) : named_(named) { begin_move(whole(named).cache); }
Move::~Move() { end_move(whole(named_).cache); }

Moves moves_of(const NamedCache& named) {
  const Cache& cache = static_cast<const WholeNamedCache&>(named).cache;
  Moves moves;
  moves.ended = cache.moves_ended.load(std::memory_order_acquire);  // pairs with the release in end_move
  moves.begun = cache.moves_begun.load(std::memory_order_acquire);  // pairs with begin_move
  return moves;
}

namespace {

Handle* find(const void* handle) ASHLAR_REQUIRES(registry.lock) {
  for (Handle* each = registry.handles.front(); each != nullptr; each = each->next) {
    if (each == handle) return each;
  }
  return nullptr;
}

}  // namespace

Handle* known(const void* handle) {
  const Guard guard(registry.lock);
  return find(handle);
}

std::size_t list(Handle** handles, std::size_t max) {
  const Guard guard(registry.lock);
  std::size_t n = 0;
  for (Handle* each = registry.handles.front(); each != nullptr; each = each->next, ++n) {
    if (n < max) handles[n] = each;
  }
  return n;
}

bool hold(const void* handle) {
  const Guard guard(registry.lock);
  Handle* const held = find(handle);
  if (held != nullptr) ++held->pools;
  return held != nullptr;
}

void let_go(const void* handle) {
  const Guard guard(registry.lock);
  Handle* const held = find(handle);
  if (held == nullptr) return;
  ASHLAR_ASSERT(held->pools > 0, "a cache counts the pools that take from it");
  --held->pools;
}

unsigned pools_of(const Handle& handle) {
  const Guard guard(registry.lock);
  return handle.pools;
}

void note_checks(Handle& handle, std::uint8_t letters) {
  const Guard guard(registry.lock);
  handle.checks = letters;
}

std::uint8_t checks_of(CacheNumber number) {
  const Guard guard(registry.lock);
  unsigned letters = 0;
  for (const Handle* each = registry.handles.front(); each != nullptr; each = each->next) {
    if (each->number == number) letters |= each->checks;
  }
  return static_cast<std::uint8_t>(letters);
}

bool needs_construction(const NamedCache& named, const Magazine& magazine) {
  return named.ctor != nullptr && magazine.fresh;
}

void construct(const NamedCache& named, const Magazine& magazine) {
  if (!needs_construction(named, magazine)) return;
  for (Object* object = magazine.first; object != nullptr; object = object->next) {
    named.ctor(reinterpret_cast<char*>(object) - named.info.link);
  }
}

Magazine take(NamedCache& named, std::uint32_t want, NodeId node) {
  return take(whole(named).cache, named.info, want, node);
}
Magazine take_on_node(NamedCache& named, std::uint32_t want, NodeId node) {
  return take_on_node(whole(named).cache, named.info, want, node);
}
void return_to_depot(NamedCache& named, Magazine magazine, const char* caller) {
  return_to_depot(whole(named).cache, named.info, magazine, caller);
}
void return_to_slabs(NamedCache& named, Magazine magazine, const char* caller) {
  return_to_slabs(whole(named).cache, named.info, magazine, caller);
}
void shrink(NamedCache& named) { shrink(whole(named).cache, named.info); }
CacheCounts counts(NamedCache& named) {
  const Guard guard(registry.lock);  // the number may just be getting another cache
  return counts(whole(named).cache, named.info);
}

void lock_named_for_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { registry.lock.lock_beside_same_rank(); }
void unlock_named_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { registry.lock.unlock(); }
void reset_named_in_child() {
  registry.lock.reset();
  // the threads that moved objects are not there
  for (unsigned number = 1; number < numbers_in_use(); ++number) {
    Cache& cache = cache_at(number)->cache;
    cache.moves_ended.store(cache.moves_begun.load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
}

}  // namespace ashlar::slab
