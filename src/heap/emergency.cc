// heap: memory for a thread that may not enter the allocator now, and what it frees.
#include "heap/emergency.h"

#include <array>

#include "heap/bins.h"

namespace ashlar::heap {

namespace {

constexpr std::size_t kFirstChunk = std::size_t{256} << 10;
constexpr unsigned kChunks = 20;                             // the last has 128 GiB
constexpr std::size_t kWorthPurging = std::size_t{1} << 20;  // of an empty chunk
constexpr std::uintptr_t kLive = 0x6173686c61722121;         // in the header of a block in use: with its address

struct alignas(kMinAlign) Header {
  std::size_t bytes;
  std::uintptr_t mark;
};

struct Chunk {
  std::atomic<char*> start{nullptr};  // release, acquire: publishes the mapping
  std::atomic<std::uint64_t> fill{0};
};

// 24 bits of blocks in use, 40 bits of units that were given out since the chunk was empty.
constexpr unsigned kUsedBits = 40;
constexpr std::uint64_t kOneBlock = std::uint64_t{1} << kUsedBits;
constexpr std::uint64_t kUsedMask = kOneBlock - 1;
constexpr std::uint64_t kMostBlocks = (std::uint64_t{1} << (64 - kUsedBits)) - 1;

[[ASHLAR_SPARSE]] alignas(kMinAlign) constinit char first_chunk[kFirstChunk];
[[ASHLAR_SPARSE]] constinit Chunk chunks[kChunks];

std::size_t bytes_of(unsigned chunk) { return kFirstChunk << chunk; }

char* start_of(unsigned i) { return i == 0 ? first_chunk : chunks[i].start.load(std::memory_order_acquire); }

char* open_chunk(unsigned i) {
  if (char* const there = start_of(i)) return there;
  auto* const made = static_cast<char*>(os::map(bytes_of(i)));
  if (made == nullptr) return nullptr;
  os::name_memory(made, bytes_of(i), "ashlar: emergency");
  char* expected = nullptr;
  if (chunks[i].start.compare_exchange_strong(expected, made, std::memory_order_acq_rel)) return made;
  os::unmap(made, bytes_of(i));  // another thread was first
  return expected;
}

// Where the next `units` of a chunk begin, in units; kUsedMask if there is no room.
std::uint64_t bump(Chunk& chunk, std::size_t chunk_bytes, std::size_t units) {
  std::uint64_t fill = chunk.fill.load(std::memory_order_relaxed);
  do {
    const std::uint64_t used = fill & kUsedMask;
    if (units > chunk_bytes / kMinAlign - used || fill >> kUsedBits == kMostBlocks) return kUsedMask;
  } while (!chunk.fill.compare_exchange_weak(fill, fill + kOneBlock + units, std::memory_order_acquire,
                                             std::memory_order_relaxed));
  return fill & kUsedMask;
}

unsigned chunk_around(const void* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  for (unsigned i = 0; i < kChunks; ++i) {
    const char* const start = start_of(i);
    if (start != nullptr && address - reinterpret_cast<std::uintptr_t>(start) < bytes_of(i)) return i;
  }
  return kChunks;
}

Header* header_of(const void* p) {
  if (reinterpret_cast<std::uintptr_t>(p) % kMinAlign != 0 || chunk_around(p) == kChunks) return nullptr;
  auto* const header = reinterpret_cast<Header*>(reinterpret_cast<std::uintptr_t>(p) - sizeof(Header));
  if (chunk_around(header) == kChunks) return nullptr;
  return header->mark == (kLive ^ reinterpret_cast<std::uintptr_t>(p)) ? header : nullptr;
}

// Takes a block off the count. An empty chunk is closed while its pages go back.
void leave_chunk(unsigned i) {
  Chunk& chunk = chunks[i];
  std::uint64_t fill = chunk.fill.load(std::memory_order_relaxed), next = 0;
  bool purge = false;
  do {
    const bool last = fill >> kUsedBits == 1;
    purge = last && i != 0 && (fill & kUsedMask) * kMinAlign >= kWorthPurging;
    next = !last ? fill - kOneBlock : purge ? bytes_of(i) / kMinAlign : 0;
  } while (!chunk.fill.compare_exchange_weak(fill, next, std::memory_order_release, std::memory_order_relaxed));
  if (!purge) return;
  auto start = reinterpret_cast<std::uintptr_t>(start_of(i));
  std::size_t bytes = bytes_of(i);
  os::purge(start, bytes, PurgeMode::kDontNeed);
  chunk.fill.store(0, std::memory_order_release);
}

}  // namespace

void* allocate_emergency(std::size_t size, std::size_t alignment) {
  if (size > bytes_of(kChunks - 1) || alignment > bytes_of(kChunks - 1)) return nullptr;
  const std::size_t bytes = round_up(size != 0 ? size : 1, kMinAlign);
  const std::size_t whole = bytes + sizeof(Header) + (alignment > kMinAlign ? alignment : 0);
  for (unsigned i = 0; i < kChunks; ++i) {
    if (whole > bytes_of(i)) continue;
    char* const start = open_chunk(i);
    if (start == nullptr) return nullptr;
    const std::uint64_t at = bump(chunks[i], bytes_of(i), whole / kMinAlign);
    if (at == kUsedMask) continue;
    const auto behind_header = reinterpret_cast<std::uintptr_t>(start) + at * kMinAlign + sizeof(Header);
    const std::uintptr_t block = round_up(behind_header, alignment > kMinAlign ? alignment : kMinAlign);
    *reinterpret_cast<Header*>(block - sizeof(Header)) = {bytes, kLive ^ block};
    return reinterpret_cast<void*>(block);
  }
  return nullptr;
}

std::size_t usable_emergency(const void* p) {
  const Header* const header = header_of(p);
  return header != nullptr ? header->bytes : 0;
}

bool release_emergency(void* p) {
  Header* const header = header_of(p);
  if (header == nullptr) return false;
  header->mark = 0;
  leave_chunk(chunk_around(p));
  return true;
}

// --- What waits to be freed

struct Deferred {
  Deferred* next;
  void* block;
  std::uint8_t how;
};

// release, acquire: publishes the entries.
constinit std::atomic<Deferred*> deferred{nullptr};

namespace {

constinit thread_local bool in_for_deferred = false;  // what is deferred meanwhile waits for the next call

}  // namespace

void defer(void* p, std::uint8_t how) {
  if (release_emergency(p)) return;
  auto* const entry = static_cast<Deferred*>(allocate_emergency(sizeof(Deferred), kMinAlign));
  if (entry == nullptr) return;  // the block is lost
  *entry = {deferred.load(std::memory_order_relaxed), p, how};
  while (!deferred.compare_exchange_weak(entry->next, entry, std::memory_order_release, std::memory_order_relaxed)) {
  }
}

void forget_deferring() { in_for_deferred = false; }

void for_deferred(void (*free)(void* p, std::uint8_t how)) {
  if (in_for_deferred) return;
  in_for_deferred = true;
  for (Deferred* entry = deferred.exchange(nullptr, std::memory_order_acquire); entry != nullptr;) {
    Deferred* const next = entry->next;
    const Deferred one = *entry;
    release_emergency(entry);
    free(one.block, one.how);
    entry = next;
  }
  in_for_deferred = false;
}

}  // namespace ashlar::heap
