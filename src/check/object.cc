// check: objects of named caches. Each checked cache has spans of its own, so that an object's page tells its cache;
// nothing is shared with a similar cache. An object with a constructor is constructed when its slot is first handed
// out, and keeps its bytes while it is free, which are then neither poisoned nor cleared. Large objects are guarded
// blocks, each constructed anew, as it has pages of its own.
#include "check/small.h"
#include "heap/gate.h"

namespace ashlar::check {

constinit ObjectSlots object_slots;

namespace {

Slots& slots_of(const Handle& cache) { return *static_cast<Slots*>(cache.checked); }

Slots* new_slots(Checks checks) ASHLAR_REQUIRES(object_slots.lock) {
  for (Slots* of = all_object_slots(); of != nullptr; of = of->next) {
    if (of->owner == nullptr && !of->keeps_spans && of->checks == checks) return of;
  }
  auto* const of = static_cast<Slots*>(page::metadata_alloc(sizeof(Slots), alignof(Slots)));
  if (of == nullptr) return nullptr;
  of->checks = checks;
  of->next = object_slots.every.load(std::memory_order_relaxed);  // written under the lock alone
  object_slots.every.store(of, std::memory_order_release);        // pairs with the acquire in all_object_slots
  return of;
}

void* allocate_large_object(const Handle& cache) {
  void* const p = allocate_guarded(cache.size, cache.alignment, Form::kMalloc, false, &cache);
  if (p != nullptr && has_constructor(cache)) cache.named->ctor(p);
  return p;
}

// Calls visit(span) for each span of a cache.
template <class Visit>
void for_spans(const Handle& cache, Visit visit) {
  for (const Span* span = all_spans(); span != nullptr; span = span->next_of_all) {
    if (span->slots() == &slots_of(cache) && __atomic_load_n(&span->start, __ATOMIC_ACQUIRE) != 0) visit(*span);
  }
}

// Calls visit(address) for each object in use.
template <class Visit>
void for_live(const Handle& cache, Visit visit) {
  for_spans(cache, [&](const Span& span) {
    for (std::uint32_t i = 0; i < span.capacity; ++i) {
      const Cell cell = span.load(i);
      const bool out = cell.state == State::kLive || cell.state == State::kMoving;
      if (out) visit(span.slot(i) + std::size_t{cell.offset} * kMinAlign);
    }
  });
  for (const Guarded* block = all_guarded(); block != nullptr; block = block->next_of_all) {
    if (block->state.load(std::memory_order_acquire) != State::kLive) continue;
    if (block->cache() == &cache) visit(block->block);
  }
}

}  // namespace

Slots* all_object_slots() { return object_slots.every.load(std::memory_order_acquire); }

namespace {

bool assign_slots(Handle& cache, Checks checks) {
  const Guard guard(object_slots.lock);
  Slots* const of = new_slots(checks);
  if (of != nullptr) publish(of->owner, &cache);
  cache.checked = of;
  return of != nullptr;
}

bool start_once() {
  const Guard guard(object_slots.lock);
  start_for_caches();
  return true;
}

}  // namespace

bool open_cache(Handle& cache, std::uint64_t letters) {
  if (letters == 0 && !is_checked_cache(cache.given_name())) return true;
  const Checks checks = checks_of_cache(cache.given_name(), letters);
  if (letters != 0) {
    if (checks.user) prepare_tracks();
    heap::run_entered(start_once);
  }
  if (!assign_slots(cache, checks)) return letters == 0;
  slab::note_checks(cache, letters_of(checks));
  return true;
}

void* allocate_object(Handle& cache) {
  return object_class_for(cache, slots_of(cache)).raw != 0 ? allocate_small_object(cache, slots_of(cache))
                                                           : allocate_large_object(cache);
}

Taken release_object(Handle& cache, void* p) {
  constexpr const char* kCaller = "ashlar_cache_free()";
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  Region* const region = region_at(address);
  if (region == nullptr) return Taken::kUnchecked;
  const Handle* const owner = is_guarded(*region) ? as_guarded(*region).cache() : as_span(*region).of->owner;
  if (owner != &cache) {
    report_wrong_cache(*region, address, owner, cache);
    return Taken::kOfAnother;
  }
  release(p, Form::kMalloc, kNoSize, kCaller);
  return Taken::kDone;
}

std::uint64_t live_objects(const Handle& cache, const void** some, unsigned max) {
  std::uint64_t n = 0;
  for_live(cache, [&](std::uintptr_t address) {
    if (n < max) some[n] = reinterpret_cast<const void*>(address);
    ++n;
  });
  return n;
}

ObjectCounts object_counts(const Handle& cache) {
  ObjectCounts n;
  std::uint64_t capacity = 0;
  for_spans(cache, [&](const Span& span) {
    ++n.spans;
    n.bytes += span.bytes;
    capacity += span.capacity;
  });
  n.live = live_objects(cache, nullptr, 0);
  n.free = capacity > n.live ? capacity - n.live : 0;  // large objects are in no span
  return n;
}

void shrink_cache(Handle& cache) {
  end_quarantine(slots_of(cache));
  free_empty_spans(slots_of(cache));
}

namespace {

bool has_spans(Slots& of) {
  const Guard guard(of.lock);
  return of.spans != 0;
}

}  // namespace

void close_cache(Handle& cache) {
  shrink_cache(cache);
  forget_owner(cache);
  const bool lost_slots = has_spans(slots_of(cache));
  const Guard guard(object_slots.lock);
  slots_of(cache).keeps_spans = lost_slots;
  publish(slots_of(cache).owner, nullptr);
  cache.checked = nullptr;
}

void lock_object_caches_for_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { object_slots.lock.lock_beside_same_rank(); }
void unlock_object_caches_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { object_slots.lock.unlock(); }
void reset_object_caches_in_child() { object_slots.lock.reset(); }

}  // namespace ashlar::check
