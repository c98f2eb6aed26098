// heap: the blocks of realms: chunks, runs and mappings, and from an address to them.
#include <cstring>
#include <new>
#include <utility>

#include "base/misuse.h"
#include "heap/bins.h"
#include "heap/counted.h"
#include "heap/realm_private.h"
#include "page/owned_run.h"

namespace ashlar::heap {

namespace {

constexpr bool fits_run(std::size_t bytes, std::size_t alignment) {
  return bytes <= page::kMaxRun.bytes() && alignment <= page::kArenaAlign;
}

// A structure for a block; null without memory.
RealmBlock* new_block(BlockKind kind) {
  const bool chunk = kind == BlockKind::kChunk;
  const Guard guard(realms.lock);
  RealmBlock*& unused = chunk ? realms.unused_chunks : realms.unused_blocks;
  void* place = unused;
  if (place != nullptr) unused = unused->next;
  else place = page::metadata_alloc(chunk ? sizeof(RealmChunk) : sizeof(RealmBlock), 64);
  if (place == nullptr) return nullptr;
  if (!chunk) {
    auto* const block = new (place) RealmBlock;
    block->kind = kind;
    return block;
  }
  auto* const fresh = static_cast<RealmChunk*>(place);
  new (fresh) RealmBlock;
  fresh->used = 0;
  return fresh;
}

void keep_unused(RealmBlock* block) ASHLAR_REQUIRES(realms.lock) {
  RealmBlock*& unused = block->kind == BlockKind::kChunk ? realms.unused_chunks : realms.unused_blocks;
  block->next = unused;
  unused = block;
}

void forget_mapping(RealmBlock& mapping) ASHLAR_REQUIRES(realms.lock) {
  RealmBlock** link = &realms.mappings;
  while (*link != &mapping) link = &(*link)->next_mapping;
  *link = mapping.next_mapping;
  realms.mapped.fetch_sub(1, std::memory_order_relaxed);
}

void enter_mapping(RealmBlock& mapping) {
  const Guard guard(realms.lock);
  mapping.next_mapping = std::exchange(realms.mappings, &mapping);
  realms.mapped.fetch_add(1, std::memory_order_relaxed);
}

RealmBlock* mapping_around(std::uintptr_t address) {
  const Uninterrupted uninterrupted;  // a signal handler's free comes here as well
  const Guard guard(realms.lock);
  for (RealmBlock* block = realms.mappings; block != nullptr; block = block->next_mapping) {
    if (address - block->start < block->bytes) return block;
  }
  return nullptr;
}

// What a run's descriptor leads to: the block's address, with a bit for a chunk.
constexpr std::uintptr_t kOfChunk = 1;
std::uintptr_t owner_word(PageId first) { return reinterpret_cast<std::uintptr_t>(page::owner_of_run(first)); }
RealmBlock* block_of(std::uintptr_t owner) { return reinterpret_cast<RealmBlock*>(owner & ~kOfChunk); }
void* owner_for(RealmBlock& block) {
  return reinterpret_cast<char*>(&block) + (block.kind == BlockKind::kChunk ? kOfChunk : 0);
}

// A run for a block, or a mapping where no run serves. False without memory.
bool get_pages(RealmBlock& block, std::size_t bytes, std::size_t alignment, bool& zeroed) {
  if (fits_run(bytes, alignment)) {
    const page::Run run = page::alloc_owned_run(own_node(), PageCount::ceil(bytes), alignment, owner_for(block));
    if (run) {
      block.start = run.first.address();
      block.bytes = run.count.bytes();
      zeroed = run.zeroed;
      return true;
    }
    if (block.kind == BlockKind::kChunk) return false;
  }
  void* const p = vmalloc::alloc(bytes, alignment > kPageBytes ? alignment : kPageBytes);
  if (p == nullptr) return false;
  block.kind = BlockKind::kMapping;
  block.start = reinterpret_cast<std::uintptr_t>(p);
  block.bytes = vmalloc::bytes_of(p);
  zeroed = true;
  enter_mapping(block);
  return true;
}

void free_pages(RealmBlock& block) {
  if (block.kind == BlockKind::kMapping) vmalloc::free(reinterpret_cast<void*>(block.start));
  else page::free_owned_run(PageId::of(block.start));
}

void take_back(Realm& realm, std::size_t bytes) {
  const Guard guard(realm.lock);
  realm.coming -= bytes;
}

// A block with pages, which are coming still, and on no list yet.
RealmBlock* get_block(Realm& realm, BlockKind kind, std::size_t bytes, std::size_t alignment, bool& zeroed) {
  {
    const Guard guard(realm.lock);
    if (!reserve(realm, bytes)) return nullptr;
  }
  RealmBlock* const block = new_block(kind);
  if (block != nullptr && get_pages(*block, bytes, alignment, zeroed)) {
    block->realm.store(&realm, std::memory_order_release);  // pairs with the acquire in realm_of
    return block;
  }
  take_back(realm, bytes);
  if (block == nullptr) return nullptr;
  const Guard guard(realms.lock);
  keep_unused(block);
  return nullptr;
}

void add_bytes(Realm& realm, std::size_t bytes) ASHLAR_REQUIRES(realm.lock) {
  realm.bytes += bytes;
  if (realm.max_bytes < realm.bytes) realm.max_bytes = realm.bytes;
}

// What was coming is there. False if the realm ended meanwhile: the block is not its then.
bool enter_block(Realm& realm, RealmBlock& block, std::size_t reserved) {
  const Guard guard(realm.lock);
  realm.coming -= reserved;
  if (!accepts(realm)) return false;
  const bool chunk = block.kind == BlockKind::kChunk;
  (chunk ? realm.open : realm.large).push_front(&block);
  if (chunk) ++realm.chunks, ++realm.empty_chunks;
  else ++realm.larges;
  add_bytes(realm, block.bytes);
  return true;
}

// A block of the realm that nobody else knows of yet; null without memory, at the limit, and where the realm ended.
RealmBlock* add_block(Realm& realm, BlockKind kind, std::size_t bytes, std::size_t alignment, bool& zeroed) {
  RealmBlock* const block = get_block(realm, kind, bytes, alignment, zeroed);
  if (block == nullptr || enter_block(realm, *block, bytes)) return block;
  block->next = nullptr;
  free_blocks(block);
  return nullptr;
}

}  // namespace

bool reserve(Realm& realm, std::size_t bytes) {
  const std::size_t taken = realm.bytes + realm.coming;
  if (!accepts(realm) || (realm.limit != 0 && (taken > realm.limit || bytes > realm.limit - taken))) return false;
  realm.coming += bytes;
  return true;
}

void free_blocks(RealmBlock* chain) {
  for (RealmBlock *block = chain, *next = nullptr; block != nullptr; block = next) {
    next = block->next;
    {
      const Guard guard(realms.lock);
      if (block->kind == BlockKind::kMapping) forget_mapping(*block);
    }
    free_pages(*block);
    const Guard guard(realms.lock);
    keep_unused(block);
  }
}

bool add_chunk(Realm& realm) {
  bool zeroed = false;
  return add_block(realm, BlockKind::kChunk, kChunkBytes, kChunkBytes, zeroed) != nullptr;
}

void* take_large(Realm& realm, std::size_t size, std::size_t alignment, bool& zeroed) {
  const std::size_t bytes = PageCount::ceil(size).bytes();
  const RealmBlock* const block = add_block(realm, BlockKind::kRun, bytes, alignment, zeroed);
  return block != nullptr ? reinterpret_cast<void*>(block->start) : nullptr;
}

// Nothing of a block is read that may be another thread's: a page that heads a run says whether that is a chunk.
RealmBlock* peek_realm_block(const void* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  if (address % kPageBytes == 0) {
    const PageId first = PageId::of(address);
    if (const std::uintptr_t owner = owner_word(first)) return block_of(owner);
    if (page::run_head(first) != nullptr) return nullptr;
  }
  const std::uintptr_t owner = owner_word(PageId::of(round_down(address, kChunkBytes)));
  return (owner & kOfChunk) != 0 ? block_of(owner) : nullptr;
}

RealmBlock* realm_block_around(const void* p) {
  if (RealmBlock* const block = peek_realm_block(p)) return block;
  if (realms.mapped.load(std::memory_order_relaxed) == 0) return nullptr;
  return mapping_around(reinterpret_cast<std::uintptr_t>(p));
}

Realm& realm_of(const RealmBlock& block) {
  for (;;) {
    Realm* const realm = block.realm.load(std::memory_order_acquire);  // pairs with the release where blocks move
    if (realm != nullptr) return *realm;
    os::pause();
  }
}

namespace {

// Sets a block's new size together with what its realm counts. What it grew by was coming to the realm that it was in
// then: meanwhile it may have moved to the default heap.
void set_bytes(Realm& before, std::size_t grown, RealmBlock& block, std::size_t bytes) {
  for (bool done = false; !done;) {
    Realm& realm = realm_of(block);
    const Guard guard(realm.lock);
    if (block.realm.load(std::memory_order_relaxed) != &realm) continue;  // it moved meanwhile
    if (&realm == &before) realm.coming -= std::exchange(grown, std::size_t{0});
    realm.bytes -= block.bytes;
    add_bytes(realm, bytes);
    block.bytes = bytes;
    done = true;
  }
  if (grown != 0) take_back(before, grown);
}

// In place. The limit counts what is added before it is there.
bool resize_run_of(Realm& realm, RealmBlock& block, std::size_t grown, std::size_t bytes) {
  if (!page::resize_run(PageId::of(block.start), PageCount::ceil(bytes))) return false;
  set_bytes(realm, grown, block, bytes);
  return true;
}

bool resize_mapping_of(Realm& realm, RealmBlock& block, std::size_t grown, std::size_t bytes) {
  const Uninterrupted uninterrupted;
  {
    // off the list of mappings before it moves: its former addresses may be another thread's at once
    const Guard guard(realms.lock);
    forget_mapping(block);
  }
  void* const moved = vmalloc::resize(reinterpret_cast<void*>(block.start), bytes);
  if (moved != nullptr) {
    block.start = reinterpret_cast<std::uintptr_t>(moved);
    set_bytes(realm, grown, block, bytes);
  }
  enter_mapping(block);
  return moved != nullptr;
}

// Whether what a block grows by may come.
bool reserve_growth(Realm& realm, std::size_t grown) {
  if (grown == 0) return true;
  const Guard guard(realm.lock);
  return reserve(realm, grown);
}

}  // namespace

void* resize(RealmBlock& block, void* p, std::size_t size) {
  const std::size_t usable = usable_bytes(block, p, "realloc()");
  if (block.kind == BlockKind::kChunk) return size <= usable && size > usable / 2 ? p : nullptr;
  const std::size_t bytes = PageCount::ceil(size).bytes();
  if (bytes == block.bytes) return p;
  if (size <= kMaxSpan) return nullptr;
  Realm& realm = realm_of(block);
  const bool run = block.kind == BlockKind::kRun;
  if (run && bytes > page::kMaxRun.bytes()) return nullptr;
  const std::size_t grown = bytes > block.bytes ? bytes - block.bytes : 0;
  if (!reserve_growth(realm, grown)) return nullptr;
  const bool done = run ? resize_run_of(realm, block, grown, bytes) : resize_mapping_of(realm, block, grown, bytes);
  if (done) return reinterpret_cast<void*>(block.start);
  if (grown != 0) take_back(realm, grown);
  return nullptr;
}

std::size_t peek_usable_bytes(const RealmBlock& block, const void* p) {
  if (block.kind == BlockKind::kChunk) return object_bytes(static_cast<const RealmChunk&>(block), p);
  return reinterpret_cast<std::uintptr_t>(p) == block.start ? block.bytes : 0;
}

std::size_t usable_bytes(RealmBlock& block, const void* p, const char* caller) {
  const std::size_t bytes = peek_usable_bytes(block, p);
  if (bytes == 0) die_inside_realm(caller, p);
  return bytes;
}

void die_inside_realm(const char* caller, const void* p) {
  MisuseLine line = not_a_start(caller, p);
  line << " of its heap";
  os::say(line.view());
  os::die();
}

}  // namespace ashlar::heap
