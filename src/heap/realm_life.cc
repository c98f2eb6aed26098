// heap: how realms begin and end.
#include <cstring>
#include <new>
#include <utility>

#include "base/hints.h"
#include "heap/bins.h"
#include "heap/realm_private.h"
#include "os/sanitizers.h"

namespace ashlar::heap {

constinit Realms realms;
[[ASHLAR_SPARSE]] constinit Realm left_realm;

namespace {

void set_name(Realm& realm, std::string_view name, std::size_t number) {
  Text<kMaxRealmName + 1> text;
  if (name.empty()) text << "heap-" << std::uint64_t{number};
  else text << first(name, kMaxRealmName);
  std::memset(realm.name, 0, sizeof realm.name);
  std::memcpy(realm.name, text.view().data(), text.view().size());
}

// All that a realm has, as one chain; it is empty then.
RealmBlock* take_all(Realm& realm) ASHLAR_REQUIRES(realm.lock) {
  RealmBlock* all = nullptr;
  for (List<RealmBlock>* list : {&realm.open, &realm.full, &realm.large}) {
    add_freed(all, list->front());
    *list = {};
  }
  return all;
}

void forget_contents(Realm& realm) ASHLAR_REQUIRES(realm.lock) {
  for (unsigned c = 0; c < kRealmClasses; ++c) {
    forget_loaded(realm, c);
    realm.partial[c] = {};
  }
  realm.chunks = realm.empty_chunks = realm.larges = realm.bytes = 0;
}

// The chunks in which nothing is in use, those at hand among them.
RealmBlock* drop_empty_chunks(Realm& realm) ASHLAR_REQUIRES(realm.lock) {
  RealmBlock* freed = nullptr;
  for (RealmBlock *block = realm.open.front(), *next = nullptr; block != nullptr; block = next) {
    next = block->next;
    auto& chunk = static_cast<RealmChunk&>(*block);
    if (chunk.used != 0 || realm.visits != 0) continue;
    forget_chunk(realm, chunk);
    chunk.next = std::exchange(freed, &chunk);
  }
  return freed;
}

// The objects in the bins, which a thread had, go to their slabs.
RealmBlock* flush_bins(Realm& realm) ASHLAR_REQUIRES(realm.lock) {
  RealmBlock* freed = nullptr;
  for (unsigned c = 1; c < kRealmClasses; ++c) {
    if (realm.first[c] != nullptr) add_freed(freed, flush_bin(realm, c));
  }
  return freed;
}

void enter_chunk(Realm& realm, RealmChunk& chunk) ASHLAR_REQUIRES(realm.lock) {
  (chunk.used == 0xffff ? realm.full : realm.open).push_front(&chunk);
  ++realm.chunks;
  realm.empty_chunks += chunk.used == 0 ? 1 : 0;
  for (unsigned i = 0; i < kChunkPages; ++i) {
    RealmSlab& slab = chunk.slabs[i];
    const bool heads = (chunk.used >> i & 1) != 0 && chunk.head[i] == i;
    if (!heads || slab.size_class == kSpanClass) continue;
    const std::size_t max = slab_pages(slab.size_class) * kPageBytes / slab::kClassTable[slab.size_class].size;
    if (slab.free != nullptr || slab.made < max) realm.partial[slab.size_class].push_front(&slab);
  }
}

// Chains all that lives in a realm; `freed` gets the rest. A thread that frees an object meanwhile waits in realm_of.
RealmBlock* take_live(Realm& realm, RealmBlock*& freed) ASHLAR_REQUIRES(realm.lock) {
  freed = flush_bins(realm);
  add_freed(freed, drop_empty_slabs(realm));
  add_freed(freed, drop_empty_chunks(realm));
  for (List<RealmBlock>* list : {&realm.open, &realm.full, &realm.large}) {
    for (RealmBlock* block = list->front(); block != nullptr; block = block->next)
      block->realm.store(nullptr, std::memory_order_relaxed);  // under the lock: see release
  }
  return take_all(realm);
}

// A chain becomes the default heap's.
void leave_blocks(RealmBlock* all) {
  if (all == nullptr) return;
  const Guard guard(left_realm.lock);
  for (RealmBlock* next = nullptr; all != nullptr; all = next) {
    next = all->next;
    if (all->kind == BlockKind::kChunk) enter_chunk(left_realm, static_cast<RealmChunk&>(*all));
    else left_realm.large.push_front(all), ++left_realm.larges;
    left_realm.bytes += all->bytes;
    all->realm.store(&left_realm, std::memory_order_release);  // pairs with the acquire in realm_of
  }
}

// An ended realm as a new one, except its lock: a thread that freed a block while the realm ended may hold it yet.
void renew(Realm& realm) {
  const Guard guard(realm.lock);
  ASHLAR_ASSERT(realm.bytes == 0 && realm.open.empty() && realm.full.empty() && realm.large.empty(),
                "a realm that ended has nothing");
  realm.max_bytes = realm.limit = 0;
  realm.on_limit = nullptr;
  realm.limit_data = nullptr;
  realm.visits = 0;
  realm.samples.store(0, std::memory_order_relaxed);
  realm.counts = false;
  realm.mean = 0;  // no distance is drawn
}

}  // namespace

Realm* create_realm(std::string_view name) {
  const Guard guard(realms.lock);
  os::take_over(&realms);  // libc's functions fill the name
  Realm* realm = realms.unused.front();
  if (realm != nullptr) {
    realms.unused.remove(realm);
    renew(*realm);
  } else {
    void* const place = page::metadata_alloc(sizeof(Realm), 64);
    if (place == nullptr) return nullptr;
    realm = new (place) Realm;
  }
  realms.count.fetch_add(1, std::memory_order_relaxed);
  set_name(*realm, name, ++realms.created);
  realms.live.push_front(realm);
  os::hand_over(&realms);
  __atomic_store_n(&realm->magic, kRealmMagic ^ reinterpret_cast<std::uintptr_t>(realm), __ATOMIC_RELAXED);
  return realm;
}

// Under the lock, so that what another thread is taking at this moment either is there already or is refused.
bool end_realm(Realm& realm, End how) {
  RealmBlock* left = nullptr;
  RealmBlock* freed = nullptr;
  {
    const Guard guard(realm.lock);
    if (!is_live(&realm)) return true;  // another thread was first
    if (realm.pushed != 0) return false;
    os::hand_over(&realm);
    set_relaxed(realm.magic, std::uintptr_t{0});
    set_relaxed(realm.owner, std::uintptr_t{0});
    stop_fast_paths(realm);
    if (how == End::kLeave) left = take_live(realm, freed);
    else freed = take_all(realm);
    forget_contents(realm);
  }
  leave_blocks(left);
  free_blocks(freed);
  const Guard guard(realms.lock);
  realms.live.remove(&realm);
  realms.unused.push_back(&realm);
  realms.count.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

void reset_realm(Realm& realm, std::size_t kept) {
  RealmBlock* all = nullptr;
  {
    const Guard guard(realm.lock);
    os::hand_over(&realm);
    all = take_all(realm);
    forget_contents(realm);
    RealmBlock** link = &all;
    while (RealmBlock* const block = *link) {
      if (block->kind != BlockKind::kChunk || realm.bytes + block->bytes > kept) {
        link = &block->next;
        continue;
      }
      *link = block->next;
      set_relaxed(static_cast<RealmChunk*>(block)->used, std::uint16_t{0});
      realm.open.push_front(block);
      ++realm.chunks;
      ++realm.empty_chunks;
      realm.bytes += block->bytes;
    }
  }
  free_blocks(all);
}

std::size_t trim_realm(Realm& realm) {
  RealmBlock* freed = nullptr;
  std::size_t before = 0, after = 0;
  {
    const Guard guard(realm.lock);
    before = realm.bytes;
    if (realm.owner == own_thread() || realm.owner == 0) freed = flush_bins(realm);
    add_freed(freed, drop_empty_slabs(realm));
    add_freed(freed, drop_empty_chunks(realm));
    after = realm.bytes;
  }
  free_blocks(freed);
  return before - after;
}

void adopt_realm(Realm& realm) {
  const Guard guard(realm.lock);
  // a thread whose end is not noticed owns none (disown_realms)
  set_relaxed(realm.owner, own_heap() != nullptr ? own_thread() : std::uintptr_t{0});
  lead_owner(realm);
}

void disown_realms() {
  if (realms.count.load(std::memory_order_relaxed) == 0)
    return;  // what this thread owns was counted by itself, or handed to it
  const Guard guard(realms.lock);
  for (Realm* realm = realms.live.front(); realm != nullptr; realm = realm->next) {
    if (relaxed(realm->owner) != own_thread()) continue;
    const Guard of_realm(realm->lock);
    set_relaxed(realm->owner, std::uintptr_t{0});
    stop_fast_paths(*realm);
  }
}

void limit_realm(Realm& realm, std::size_t bytes, RealmLimit on_limit, void* data) {
  const Guard guard(realm.lock);
  realm.limit = bytes;
  realm.on_limit = on_limit;
  realm.limit_data = data;
}

}  // namespace ashlar::heap
