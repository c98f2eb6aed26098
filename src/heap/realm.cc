// heap: what allocates from realms.
#include "heap/realm.h"

#include <utility>

#include "base/bytes.h"
#include "heap/bins.h"
#include "heap/realm_private.h"
#include "os/sanitizers.h"

namespace ashlar::heap {

namespace {

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

}  // namespace

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

}  // namespace ashlar::heap
