// heap, private to realms: what their sources share (realm.h).
//
// Defined in realm.cc, realm_blocks.cc, realm_slabs.cc and realm_counted.cc.
#pragma once

#include "heap/realm.h"

namespace ashlar::heap {

// For words that a thread reads without the lock: what they say of a block in use does not change.
template <class T>
T relaxed(const T& word) {
  return __atomic_load_n(&word, __ATOMIC_RELAXED);
}
template <class T>
void set_relaxed(T& word, T value) {
  __atomic_store_n(&word, value, __ATOMIC_RELAXED);
}

RealmChunk& chunk_of(const RealmSlab& slab);

// --- Counting (realm_counted.cc)

// The owner, or how it counts, changed: lets its fast paths run as far as that allows.
void lead_owner(Realm& realm) ASHLAR_REQUIRES(realm.lock);

// Has the realm follow whether owners count, before its owner's bins are used.
void follow_counting(Realm& realm) ASHLAR_REQUIRES(realm.lock);

// Neither fast path serves until the owner misses.
inline void stop_fast_paths(Realm& realm) {
  set_relaxed(realm.taker, std::uintptr_t{0});
  set_relaxed(realm.returner, std::uintptr_t{0});
}

// Whether the calling thread may use the bins: it is the owner, or becomes it where there is none.
bool becomes_taker(Realm& realm) ASHLAR_REQUIRES(realm.lock);

// Whether an object of a class that is about to be allocated is picked. `own`: the calling thread uses the bins.
bool is_picked(Realm& realm, unsigned c, const Sampling& sampling, bool own) ASHLAR_REQUIRES(realm.lock);
void note_picked(Realm& realm, unsigned c, Sampling& sampling) ASHLAR_REQUIRES(realm.lock);

// The object was not picked: it is counted, and the owner's bin is cut down to what lies before the next picked byte.
void note_taken(Realm& realm, unsigned c, const Sampling& sampling, bool own) ASHLAR_REQUIRES(realm.lock);

// Nothing is in the bin from now on.
void forget_loaded(Realm& realm, unsigned c) ASHLAR_REQUIRES(realm.lock);

// --- Chunks (realm_slabs.cc). Functions that may empty a chunk return it, off all lists, for free_blocks.

// Takes an empty chunk off its realm's lists and counts; it is a chain of one then.
void forget_chunk(Realm& realm, RealmChunk& chunk) ASHLAR_REQUIRES(realm.lock);

// Fills the empty bin of a class; false if a chunk is missing. So do the following, with null.
bool refill_bin(Realm& realm, unsigned c) ASHLAR_REQUIRES(realm.lock);
void* take_object(Realm& realm, unsigned c) ASHLAR_REQUIRES(realm.lock);
void* take_span(Realm& realm, PageCount pages) ASHLAR_REQUIRES(realm.lock);

// The slab or span on whose pages p lies, or null.
RealmSlab* find_slab(const RealmChunk& chunk, const void* p);

// The bytes of the object or span that starts at p; 0 if none does.
std::size_t object_bytes(const RealmChunk& chunk, const void* p);

// Frees an object or span. Aborts if p starts none.
RealmChunk* put_object(Realm& realm, RealmChunk& chunk, void* p, const char* caller) ASHLAR_REQUIRES(realm.lock);

// The same into the owner's bin, by the owner; false if it is full, or p is a span's.
bool push_object(Realm& realm, RealmChunk& chunk, void* p, const char* caller);

// Empties a bin of the owner, and gives back slabs without objects in use.
RealmBlock* flush_bin(Realm& realm, unsigned c) ASHLAR_REQUIRES(realm.lock);
RealmBlock* drop_empty_slabs(Realm& realm) ASHLAR_REQUIRES(realm.lock);
// Gives back spans that were freed during a visit.
RealmBlock* drop_freed_spans(Realm& realm) ASHLAR_REQUIRES(realm.lock);

// --- Blocks (realm_blocks.cc)

// Puts a chain of blocks before another, by `next`.
inline void add_freed(RealmBlock*& chain, RealmBlock* freed) {
  while (freed != nullptr) {
    RealmBlock* const next = freed->next;
    freed->next = chain;
    chain = freed;
    freed = next;
  }
}

// Frees a chain's pages and structures. No lock may be held.
void free_blocks(RealmBlock* chain);

// Counts bytes that are coming, or refuses them: by the limit, and where the realm ended.
bool reserve(Realm& realm, std::size_t bytes) ASHLAR_REQUIRES(realm.lock);

// Takes a chunk into the realm. False without memory, or at the limit. No lock may be held.
bool add_chunk(Realm& realm);

// A run or a mapping of its own.
void* take_large(Realm& realm, std::size_t size, std::size_t alignment, bool& zeroed);

// Aborts: p is not the start of a block.
[[noreturn, gnu::cold]] void die_inside_realm(const char* caller, const void* p);

}  // namespace ashlar::heap
