// heap: the rules that hold for realms.
#include "heap/bins.h"
#include "heap/realm_private.h"

namespace ashlar::heap {

namespace {

struct Sums {
  std::size_t chunks = 0, empty = 0, larges = 0, bytes = 0;
  std::uint64_t partial[kRealmClasses] = {};
};

Broken check_slab(const RealmSlab& slab, std::uintptr_t base, Sums& sums) {
  if (slab.size_class == 0 || slab.size_class >= kRealmClasses) return broken("a slab of a chunk has a class", &slab);
  const std::size_t size = slab::kClassTable[slab.size_class].size;
  const std::size_t max = slab_pages(slab.size_class) * kPageBytes / size;
  if (slab.made > max) return broken("a slab of a chunk has no more objects than fit", &slab);
  if (slab.in_use + slab.free_count != slab.made) return broken("a slab of a chunk counts its objects", &slab);
  std::size_t n = 0;
  for (const Object* object = slab.free; object != nullptr && n <= max; object = object->next, ++n) {
    const std::size_t offset = reinterpret_cast<std::uintptr_t>(object) - base;
    if (offset % size != 0 || offset / size >= slab.made)
      return broken("a slab's free list leads to its objects", object);
  }
  if (n != slab.free_count) return broken("a slab's free list is as long as it counts", &slab);
  sums.partial[slab.size_class] += slab.free != nullptr || slab.made < max ? 1 : 0;
  return {};
}

Broken check_chunk(const RealmChunk& chunk, Sums& sums) {
  for (unsigned i = 0, end = 0; i < kChunkPages; ++i) {
    if ((chunk.used >> i & 1) == 0 || i < end) continue;
    const RealmSlab& slab = chunk.slabs[i];
    if (chunk.head[i] != i || slab.index != i) return broken("a used page of a chunk is in a slab", &slab);
    const bool span = slab.size_class == kSpanClass;
    if (const Broken b = span ? Broken{} : check_slab(slab, chunk.start + i * kPageBytes, sums)) return b;
    end = i + (span ? slab.made : slab_pages(slab.size_class));
    for (unsigned page = i; page < end; ++page) {
      if (page >= kChunkPages || chunk.head[page] != i) return broken("the pages of a slab lead to it", &slab);
    }
  }
  return {};
}

Broken check_block(const Realm& realm, const RealmBlock& block, Sums& sums) {
  if (block.realm.load(std::memory_order_relaxed) != &realm) return broken("a block leads to its heap", &block);
  if (block.kind != BlockKind::kMapping && peek_realm_block(reinterpret_cast<void*>(block.start)) != &block)
    return broken("the pages of a heap lead to it", &block);
  sums.bytes += block.bytes;
  return {};
}

Broken check_chunks(const Realm& realm, const List<RealmBlock>& list, bool full, Sums& sums) {
  for (const RealmBlock* block = list.front(); block != nullptr; block = block->next) {
    if (block->kind != BlockKind::kChunk) return broken("chunks and other blocks are on lists apart", block);
    if (const Broken b = check_block(realm, *block, sums)) return b;
    const auto& chunk = static_cast<const RealmChunk&>(*block);
    if ((chunk.used == 0xffff) != full) return broken("a chunk is on the list for what it has free", block);
    if (const Broken b = check_chunk(chunk, sums)) return b;
    ++sums.chunks;
    sums.empty += chunk.used == 0 ? 1 : 0;
  }
  return {};
}

// The owner's: looked at where the caller is it, or nobody.
Broken check_bins(const Realm& realm) {
  if (in_forked_child || (realm.owner != 0 && realm.owner != own_thread())) return {};  // pages may be absent there
  for (unsigned c = 1; c < kRealmClasses; ++c) {
    std::uint32_t n = 0;
    for (const Object* object = realm.first[c]; object != nullptr; object = object->next) {
      const RealmBlock* const block = peek_realm_block(object);
      if (block == nullptr || block->kind != BlockKind::kChunk || ++n > realm.loaded[c])
        return broken("a heap's bin holds objects of its slabs, as many as it counts", &realm.first[c]);
      const RealmSlab* const slab = find_slab(static_cast<const RealmChunk&>(*block), object);
      if (slab == nullptr || slab->size_class != c) return broken("a heap's bin holds objects of its class", object);
    }
    if (n != realm.loaded[c])
      return broken("a heap's bin holds objects of its slabs, as many as it counts", &realm.first[c]);
  }
  return {};
}

Broken check_realm(Realm& realm) {
  const Guard guard(realm.lock);
  Sums sums;
  if (const Broken b = check_chunks(realm, realm.open, false, sums)) return b;
  if (const Broken b = check_chunks(realm, realm.full, true, sums)) return b;
  for (const RealmBlock* block = realm.large.front(); block != nullptr; block = block->next, ++sums.larges) {
    if (block->kind == BlockKind::kChunk) return broken("chunks and other blocks are on lists apart", block);
    if (const Broken b = check_block(realm, *block, sums)) return b;
  }
  if (sums.chunks != realm.chunks || sums.empty != realm.empty_chunks || sums.larges != realm.larges)
    return broken("a heap counts its chunks and blocks", &realm);
  for (unsigned c = 1; c < kRealmClasses; ++c) {
    std::uint64_t listed = 0;
    for (const RealmSlab* slab = realm.partial[c].front(); slab != nullptr; slab = slab->next) ++listed;
    if (listed != sums.partial[c]) return broken("a heap lists the slabs that have something free", &realm);
  }
  return realm.bytes < sums.bytes ? broken("a heap counts its bytes", &realm) : check_bins(realm);
}

}  // namespace

Broken validate_realms() {
  const Guard guard(realms.lock);
  for (Realm* realm = realms.live.front(); realm != nullptr; realm = realm->next) {
    if (const Broken b = check_realm(*realm)) return b;
  }
  return check_realm(left_realm);
}

}  // namespace ashlar::heap
