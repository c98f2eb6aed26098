// heap: how what realms allocate is counted, so that a layer above samples it: see realm.h.
#include "base/hints.h"
#include "heap/bins.h"
#include "heap/quiet.h"
#include "heap/realm_private.h"

namespace ashlar::heap {

namespace {

std::int64_t bytes_of(unsigned c) { return static_cast<std::int64_t>(slab::kClassTable[c].size); }

// By the owner: what it took since the last look is off the distance.
[[ASHLAR_ALWAYS_RUN]] void settle(Realm& realm, unsigned c) ASHLAR_REQUIRES(realm.lock) {
  if (!realm.counts) return;
  const std::uint32_t then = realm.loaded_then[c], now = realm.loaded[c];
  if (then > now) realm.until[c] -= static_cast<std::int64_t>(then - now) * bytes_of(c);
  realm.loaded_then[c] = now;
}

// Distances of another rate are drawn anew, as threads' are.
void follow_mean(Realm& realm, const Sampling& sampling) ASHLAR_REQUIRES(realm.lock) {
  if (realm.mean == sampling.mean) return;
  realm.mean = sampling.mean;
  for (std::int64_t& until : realm.until) until = 0;
}

[[ASHLAR_ALWAYS_RUN]] void draw(Realm& realm, unsigned c, const Sampling& sampling) ASHLAR_REQUIRES(realm.lock) {
  if (realm.random == 0) realm.random = os::process_key().low ^ reinterpret_cast<std::uintptr_t>(&realm);
  realm.until[c] += sampling.draw(realm.random, sampling.mean);
}

// Puts objects of the owner's bin beyond `max` back into their slabs, all of which stay, as during a visit.
[[ASHLAR_ALWAYS_RUN]] void shorten_bin(Realm& realm, unsigned c, std::uint32_t max) ASHLAR_REQUIRES(realm.lock) {
  ++realm.visits;
  while (realm.loaded[c] > max && realm.first[c] != nullptr) {
    Object* const object = realm.first[c];
    realm.first[c] = object->next;
    --realm.loaded[c];
    RealmBlock* const block = peek_realm_block(object);
    put_object(realm, *static_cast<RealmChunk*>(block), object, "ashlar_heap_malloc()");
  }
  --realm.visits;
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] void lead_owner(Realm& realm) {
  const bool follows = realm.counts == realms.counted.load(std::memory_order_relaxed);
  set_relaxed(realm.taker, follows ? realm.owner : std::uintptr_t{0});
  const bool may_push = !realm.counts && realm.samples.load(std::memory_order_relaxed) == 0;
  set_relaxed(realm.returner, may_push ? realm.owner : std::uintptr_t{0});
}

[[ASHLAR_ALWAYS_RUN]] void follow_counting(Realm& realm) {
  const bool on = realms.counted.load(std::memory_order_relaxed);
  if (realm.counts != on) {
    realm.counts = on;
    for (unsigned c = 1; c < kRealmClasses; ++c) {
      if (on) shorten_bin(realm, c, 0);  // what was freed into it may be taken twice
      realm.loaded_then[c] = realm.loaded[c];
    }
  }
  lead_owner(realm);
}

[[ASHLAR_ALWAYS_RUN, gnu::noinline]] void count_in_realms(bool on) {
  realms.counted.store(on, std::memory_order_relaxed);
  const Quiet quiet;
  const Guard guard(realms.lock);
  for (Realm* realm = realms.live.front(); realm != nullptr; realm = realm->next) {
    const Guard of_realm(realm->lock);
    stop_fast_paths(*realm);
  }
}

[[ASHLAR_ALWAYS_RUN]] bool becomes_taker(Realm& realm) {
  if (realm.owner == 0 && own_heap() != nullptr) set_relaxed(realm.owner, own_thread());  // whose end is noticed
  if (realm.owner != own_thread()) return false;
  follow_counting(realm);
  return true;
}

[[ASHLAR_ALWAYS_RUN]] bool is_picked(Realm& realm, unsigned c, const Sampling& sampling, bool own) {
  follow_mean(realm, sampling);
  if (own) settle(realm, c);
  if (sampling.mean == 1) return true;
  if (realm.until[c] == 0) draw(realm, c, sampling);
  return realm.until[c] <= bytes_of(c);
}

// Bytes that others took behind the picked one are part of the next distance.
[[ASHLAR_ALWAYS_RUN]] void note_picked(Realm& realm, unsigned c, Sampling& sampling) {
  sampling.picked = SizeClass(c);
  realm.samples.fetch_add(1, std::memory_order_relaxed);
  lead_owner(realm);
  if (realm.until[c] > 0) realm.until[c] = 0;
  if (sampling.mean != 1) draw(realm, c, sampling);
}

[[ASHLAR_ALWAYS_RUN]] void note_taken(Realm& realm, unsigned c, const Sampling& sampling, bool own) {
  realm.until[c] -= bytes_of(c);
  if (!own || !realm.counts) return;
  const std::int64_t until = realm.until[c];
  const std::int64_t max = sampling.mean == 1 || until <= 0 ? 0 : (until - 1) / bytes_of(c);
  if (realm.loaded[c] > max) shorten_bin(realm, c, static_cast<std::uint32_t>(max));
  realm.loaded_then[c] = realm.loaded[c];
}

[[ASHLAR_ALWAYS_RUN]] void forget_loaded(Realm& realm, unsigned c) {
  settle(realm, c);
  realm.first[c] = nullptr;
  realm.loaded[c] = realm.loaded_then[c] = 0;
}

[[ASHLAR_ALWAYS_RUN]] void add_sample(Realm& realm) { realm.samples.fetch_add(1, std::memory_order_relaxed); }

[[ASHLAR_ALWAYS_RUN]] void drop_sample(Realm& realm) {
  std::uint32_t n = realm.samples.load(std::memory_order_relaxed);
  while (n != 0 && !realm.samples.compare_exchange_weak(n, n - 1, std::memory_order_relaxed)) {
  }
}

[[ASHLAR_ALWAYS_RUN]] SizeClass class_in_realm(const RealmBlock& block, const void* p) {
  if (block.kind != BlockKind::kChunk) return {};
  const RealmSlab* const slab = find_slab(static_cast<const RealmChunk&>(block), p);
  return slab != nullptr && slab->size_class != kSpanClass ? SizeClass(slab->size_class) : SizeClass{};
}

}  // namespace ashlar::heap
