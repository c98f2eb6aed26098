// heap: the chunks of realms: slabs of small objects, and spans of whole pages. All under the realm's lock; no page is
// taken or freed here.
#include <bit>

#include "base/misuse.h"
#include "heap/realm_private.h"

namespace ashlar::heap {

namespace {

constexpr unsigned kOpenLooks = 8;  // chunks that are looked at for free pages

// Bits at which a block of n free pages may start: n is 1, 2 or 4 at multiples of n, or anything without.
std::uint32_t starts_of(std::uint32_t free, unsigned n, bool aligned) {
  std::uint32_t starts = free;
  for (unsigned i = 1; i < n; ++i) starts &= free >> i;
  constexpr std::uint32_t kMultiples[] = {0xffff, 0xffff, 0x5555, 0, 0x1111};
  return aligned ? starts & kMultiples[n] : starts;
}

constexpr std::uint16_t mask_of(unsigned first, unsigned n) {
  return static_cast<std::uint16_t>(((1u << n) - 1) << first);
}

std::uintptr_t start_of(const RealmSlab& slab) { return chunk_of(slab).start + slab.index * kPageBytes; }

unsigned capacity_of(unsigned c) {
  return static_cast<unsigned>(slab_pages(c) * kPageBytes / slab::kClassTable[c].size);
}

// Makes objects up to the end of the page that the first of them ends on.
void carve(RealmSlab& slab) {
  const unsigned c = slab.size_class;
  const std::size_t size = slab::kClassTable[c].size;
  const std::size_t first = slab.made * size;
  const std::size_t end = (first + size + kPageBytes - 1) / kPageBytes * kPageBytes;
  const std::size_t fit = end / size, max = capacity_of(c);
  const std::size_t until = fit < max ? fit : max;
  const std::uintptr_t base = start_of(slab);
  Object* next = nullptr;
  for (std::size_t i = until; i-- > slab.made;) {
    auto* const object = reinterpret_cast<Object*>(base + i * size);
    object->next = next;
    next = object;
  }
  slab.free = next;
  slab.free_count = static_cast<std::uint16_t>(until - slab.made);
  set_relaxed(slab.made, static_cast<std::uint16_t>(until));
}

bool is_partial(const RealmSlab& slab) { return slab.free != nullptr || slab.made < capacity_of(slab.size_class); }

// Takes n pages of a chunk, headed by one slab; null if there are none.
RealmSlab* take_pages(Realm& realm, unsigned n, std::uint8_t size_class) ASHLAR_REQUIRES(realm.lock) {
  unsigned looks = 0;
  for (RealmBlock* b = realm.open.front(); b != nullptr && looks < kOpenLooks; b = b->next, ++looks) {
    auto& chunk = *static_cast<RealmChunk*>(b);
    const std::uint32_t starts = starts_of(static_cast<std::uint16_t>(~chunk.used), n, size_class != kSpanClass);
    if (starts == 0) continue;
    const auto first = static_cast<unsigned>(std::countr_zero(starts));
    if (chunk.used == 0) --realm.empty_chunks;
    set_relaxed(chunk.used, static_cast<std::uint16_t>(chunk.used | mask_of(first, n)));
    if (chunk.used == 0xffff) {
      realm.open.remove(b);
      realm.full.push_front(b);
    }
    for (unsigned i = first; i < first + n; ++i) chunk.head[i] = static_cast<std::uint8_t>(first);
    RealmSlab& slab = chunk.slabs[first];
    slab = {nullptr, nullptr, nullptr, size_class, static_cast<std::uint8_t>(first), 0, 0, 0};
    return &slab;
  }
  return nullptr;
}

// Gives them back to the chunk. Returns the chunk if it is to be given back as well.
RealmChunk* return_pages(Realm& realm, RealmSlab& slab, unsigned n) ASHLAR_REQUIRES(realm.lock) {
  RealmChunk& chunk = chunk_of(slab);
  if (chunk.used == 0xffff) {
    realm.full.remove(&chunk);
    realm.open.push_front(&chunk);
  }
  set_relaxed(chunk.used, static_cast<std::uint16_t>(chunk.used & ~mask_of(slab.index, n)));
  slab.size_class = 0;
  if (chunk.used != 0) return nullptr;
  if (realm.empty_chunks++ == 0) return nullptr;  // one stays at hand
  forget_chunk(realm, chunk);
  return &chunk;
}

// A slab of the class with a list of free objects; null if a chunk is missing.
RealmSlab* slab_with_free(Realm& realm, unsigned c) ASHLAR_REQUIRES(realm.lock) {
  RealmSlab* slab = realm.partial[c].front();
  if (slab == nullptr) {
    slab = take_pages(realm, slab_pages(c), static_cast<std::uint8_t>(c));
    if (slab == nullptr) return nullptr;
    realm.partial[c].push_front(slab);
  }
  if (slab->free == nullptr) carve(*slab);
  return slab;
}

[[noreturn, gnu::cold, gnu::noinline]] void die_of_double_free_in(const char* caller, const void* p) {
  os::say(double_free(caller, p, "block of its heap").view());
  os::die();
}

}  // namespace

RealmChunk& chunk_of(const RealmSlab& slab) {
  constexpr std::size_t kBefore = sizeof(RealmChunk) - sizeof(RealmChunk::slabs);  // they are its last member
  auto* const first = const_cast<RealmSlab*>(&slab) - slab.index;
  return *reinterpret_cast<RealmChunk*>(reinterpret_cast<char*>(first) - kBefore);
}

void forget_chunk(Realm& realm, RealmChunk& chunk) {
  realm.open.remove(&chunk);
  chunk.next = nullptr;
  --realm.empty_chunks;
  --realm.chunks;
  realm.bytes -= chunk.bytes;
}

bool refill_bin(Realm& realm, unsigned c) {
  RealmSlab* const slab = slab_with_free(realm, c);
  if (slab == nullptr) return false;
  realm.first[c] = slab->free;
  realm.loaded[c] = slab->free_count;
  slab->in_use = static_cast<std::uint16_t>(slab->in_use + slab->free_count);
  slab->free = nullptr;
  slab->free_count = 0;
  if (!is_partial(*slab)) realm.partial[c].remove(slab);
  return true;
}

void* take_object(Realm& realm, unsigned c) {
  RealmSlab* const slab = slab_with_free(realm, c);
  if (slab == nullptr) return nullptr;
  Object* const object = slab->free;
  slab->free = object->next;
  --slab->free_count;
  ++slab->in_use;
  if (!is_partial(*slab)) realm.partial[c].remove(slab);
  return object;
}

void* take_span(Realm& realm, PageCount pages) {
  RealmSlab* const slab = take_pages(realm, static_cast<unsigned>(pages.raw), kSpanClass);
  if (slab == nullptr) return nullptr;
  slab->in_use = 1;
  slab->made = static_cast<std::uint16_t>(pages.raw);
  return reinterpret_cast<void*>(start_of(*slab));
}

RealmSlab* find_slab(const RealmChunk& chunk, const void* p) {
  const std::size_t page = (reinterpret_cast<std::uintptr_t>(p) - chunk.start) / kPageBytes;
  if ((relaxed(chunk.used) >> page & 1) == 0) return nullptr;
  return const_cast<RealmSlab*>(&chunk.slabs[chunk.head[page]]);
}

std::size_t object_bytes(const RealmChunk& chunk, const void* p) {
  const RealmSlab* const slab = find_slab(chunk, p);
  if (slab == nullptr) return 0;
  const std::size_t offset = reinterpret_cast<std::uintptr_t>(p) - start_of(*slab);
  if (slab->size_class == kSpanClass) return offset == 0 ? slab->made * kPageBytes : 0;
  const std::size_t size = slab::kClassTable[slab->size_class].size;
  return offset % size == 0 && offset / size < relaxed(slab->made) ? size : 0;
}

RealmChunk* put_object(Realm& realm, RealmChunk& chunk, void* p, const char* caller) {
  if (object_bytes(chunk, p) == 0) {
    if (find_slab(chunk, p) == nullptr) die_of_double_free_in(caller, p);
    die_inside_realm(caller, p);
  }
  RealmSlab& slab = *find_slab(chunk, p);
  const unsigned c = slab.size_class;
  if (c == kSpanClass) {
    if (slab.in_use == 0) die_of_double_free_in(caller, p);
    slab.in_use = 0;
    return realm.visits != 0 ? nullptr : return_pages(realm, slab, slab.made);
  }
  auto* const object = static_cast<Object*>(p);
  if (slab.in_use == 0 || object == slab.free) die_of_double_free_in(caller, p);
  const bool was_partial = is_partial(slab);
  object->next = slab.free;
  slab.free = object;
  ++slab.free_count;
  --slab.in_use;
  if (!was_partial) realm.partial[c].push_front(&slab);
  // the last one with something free stays: an object that comes and goes takes no pages
  if (slab.in_use != 0 || realm.visits != 0 || (realm.partial[c].front() == &slab && slab.next == nullptr))
    return nullptr;
  realm.partial[c].remove(&slab);
  return return_pages(realm, slab, slab_pages(c));
}

bool push_object(Realm& realm, RealmChunk& chunk, void* p, const char* caller) {
  const RealmSlab* const slab = find_slab(chunk, p);
  if (slab == nullptr || slab->size_class == kSpanClass) return false;
  const unsigned c = slab->size_class;
  if (object_bytes(chunk, p) == 0) die_inside_realm(caller, p);
  if (p == realm.first[c]) die_of_double_free_in(caller, p);
  if (realm.loaded[c] >= slab::kClassTable[c].magazine) return false;
  auto* const object = static_cast<Object*>(p);
  object->next = realm.first[c];
  realm.first[c] = object;
  ++realm.loaded[c];
  return true;
}

RealmBlock* flush_bin(Realm& realm, unsigned c) {
  RealmBlock* freed = nullptr;
  Object* object = realm.first[c];
  forget_loaded(realm, c);
  while (object != nullptr) {
    Object* const next = object->next;
    RealmBlock* const block = peek_realm_block(object);
    if (block == nullptr || block->kind != BlockKind::kChunk) die_inside_realm("ashlar_heap_free()", object);
    add_freed(freed, put_object(realm, *static_cast<RealmChunk*>(block), object, "ashlar_heap_free()"));
    object = next;
  }
  return freed;
}

RealmBlock* drop_freed_spans(Realm& realm) {
  RealmBlock* freed = nullptr;
  for (List<RealmBlock>* list : {&realm.full, &realm.open}) {
    for (RealmBlock *block = list->front(), *next = nullptr; block != nullptr; block = next) {
      next = block->next;
      auto& chunk = static_cast<RealmChunk&>(*block);
      for (unsigned i = 0; i < kChunkPages; ++i) {
        RealmSlab& slab = chunk.slabs[i];
        const bool heads = (chunk.used >> i & 1) != 0 && chunk.head[i] == i;
        if (heads && slab.size_class == kSpanClass && slab.in_use == 0)
          add_freed(freed, return_pages(realm, slab, slab.made));
      }
    }
  }
  return freed;
}

RealmBlock* drop_empty_slabs(Realm& realm) {
  RealmBlock* freed = nullptr;
  for (unsigned c = 1; c < kRealmClasses; ++c) {
    for (RealmSlab *slab = realm.partial[c].front(), *next = nullptr; slab != nullptr; slab = next) {
      next = slab->next;
      if (slab->in_use != 0) continue;
      realm.partial[c].remove(slab);
      add_freed(freed, return_pages(realm, *slab, slab_pages(c)));
    }
  }
  return freed;
}

}  // namespace ashlar::heap
