// heap: realms: how they begin and end, and what allocates from them.
#include "heap/realm.h"

#include <cstring>
#include <new>
#include <utility>

#include "base/bytes.h"
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

// The class whose objects serve; 0 for what takes whole pages.
unsigned class_for(std::size_t size, std::size_t alignment) {
  if (size > kMaxRealmObject || alignment > kMaxRealmObject) return 0;
  if (alignment <= kMinAlign) return slab::class_for(size).raw;
  return aligned_class(size, alignment).raw;
}

// Something may be loaded: for a call with an alignment, or left by a thread that is gone.
void* take_from_bin(Realm& realm, unsigned c) ASHLAR_REQUIRES(realm.lock) {
  if (realm.first[c] == nullptr && !refill_bin(realm, c)) return nullptr;
  Object* const object = realm.first[c];
  realm.first[c] = object->next;
  --realm.loaded[c];
  return object;
}

bool may_use_bins(Realm& realm, By by) ASHLAR_REQUIRES(realm.lock) {
  return by == By::kOwner && (relaxed(realm.taker) == own_thread() || becomes_taker(realm));
}

// Null if the realm lacks a chunk for it.
void* take(Realm& realm, unsigned c, std::size_t size, By by) ASHLAR_REQUIRES(realm.lock) {
  if (c == 0) return take_span(realm, PageCount::ceil(size));
  return may_use_bins(realm, by) ? take_from_bin(realm, c) : take_object(realm, c);
}

// The same of what is sampled. Spans are seen when they are freed: the layer above counts them with the large blocks.
[[gnu::noinline, gnu::cold]] void* take_counted(Realm& realm, unsigned c, std::size_t size, By by, Sampling& sampling)
    ASHLAR_REQUIRES(realm.lock) {
  if (c == 0) return take_span(realm, PageCount::ceil(size));
  const bool own = may_use_bins(realm, by);
  const bool picked = is_picked(realm, c, sampling, own);
  void* const p = own && !picked ? take_from_bin(realm, c) : take_object(realm, c);
  if (p == nullptr) return nullptr;
  if (picked) note_picked(realm, c, sampling);
  else note_taken(realm, c, sampling, own);
  return p;
}

void* allocate_by(Realm& realm, std::size_t size, std::size_t alignment, bool& zeroed, By by, Sampling* sampling) {
  zeroed = false;
  if (size == 0) size = 1;
  const unsigned c = class_for(size, alignment);
  if (c == 0 && (size > kMaxSpan || alignment > kPageBytes)) return take_large(realm, size, alignment, zeroed);
  for (;;) {
    {
      const Guard guard(realm.lock);
      if (!accepts(realm)) return nullptr;
      os::take_over(&realm);
      void* const p = sampling == nullptr ? take(realm, c, size, by) : take_counted(realm, c, size, by, *sampling);
      os::hand_over(&realm);
      if (p != nullptr) return p;
    }
    if (!add_chunk(realm)) return nullptr;
  }
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

// All that lives in a realm, as one chain; `freed` gets the rest. Who frees an object meanwhile waits in realm_of.
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

// An ended realm as a new one, but for its lock: a thread that freed a block while the realm ended may hold it yet.
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

void* allocate(Realm& realm, std::size_t size, std::size_t alignment, bool& zeroed, Sampling* sampling) {
  return allocate_by(realm, size, alignment, zeroed, By::kOwner, sampling);
}

void* allocate_shared(Realm& realm, std::size_t size, std::size_t alignment, bool& zeroed, Sampling* sampling) {
  return allocate_by(realm, size, alignment, zeroed, By::kLock, sampling);
}

bool push(Realm& realm, void* p, const char* caller) {
  if (relaxed(realm.returner) != own_thread()) return false;
  RealmBlock* const block = peek_realm_block(p);
  if (block == nullptr || block->kind != BlockKind::kChunk) return false;
  return block->realm.load(std::memory_order_relaxed) == &realm &&
         push_object(realm, static_cast<RealmChunk&>(*block), p, caller);
}

void release(RealmBlock& block, void* p, const char* caller, By by) {
  if (block.kind != BlockKind::kChunk) usable_bytes(block, p, caller);
  RealmBlock* freed = nullptr;
  for (bool done = false; !done;) {
    Realm& realm = realm_of(block);
    const Guard guard(realm.lock);
    if (block.realm.load(std::memory_order_relaxed) != &realm) continue;  // it moved meanwhile
    done = true;
    if (block.kind != BlockKind::kChunk) {
      realm.large.remove(&block);
      --realm.larges;
      realm.bytes -= block.bytes;
      block.next = nullptr;
      freed = &block;
      continue;
    }
    if (by == By::kOwner && relaxed(realm.returner) != own_thread() && realm.owner == own_thread()) {
      follow_counting(realm);
    } else if (by == By::kOwner && realm.owner == own_thread()) {
      const RealmSlab* const slab = find_slab(static_cast<RealmChunk&>(block), p);
      if (slab != nullptr && slab->size_class != kSpanClass) freed = flush_bin(realm, slab->size_class);
    }
    os::hand_over(&realm);
    RealmChunk* const chunk = put_object(realm, static_cast<RealmChunk&>(block), p, caller);
    if (chunk != nullptr) chunk->next = std::exchange(freed, chunk);
  }
  free_blocks(freed);
}

void* reallocate(RealmBlock& block, void* p, std::size_t size, const char* caller, Sampling* sampling) {
  if (void* const same = resize(block, p, size)) return same;
  const std::size_t bytes = usable_bytes(block, p, caller);
  bool zeroed = false;
  Realm* realm = nullptr;
  void* fresh = nullptr;
  do {
    realm = &realm_of(block);
    fresh = allocate_shared(*realm, size, kMinAlign, zeroed, sampling);
  } while (fresh == nullptr && &realm_of(block) != realm);  // the block became the default heap's meanwhile
  if (fresh == nullptr) return size <= bytes ? p : nullptr;
  copy_block(fresh, p, bytes < size ? bytes : size);
  release(block, p, caller);
  return fresh;
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
