// heap: memory for a thread that may not enter the allocator now, and what it frees.
#include "heap/emergency.h"

#include <array>
#include <bit>

#include "heap/bins.h"

namespace ashlar::heap {

[[ASHLAR_SPARSE]] constinit Emergency emergency;

namespace {

using Chunk = Emergency::Chunk;
using List = Emergency::FreeList;
constexpr std::size_t kFirstChunk = Emergency::kFirstChunk;
constexpr unsigned kChunks = Emergency::kChunks, kSizes = Emergency::kSizes;
constexpr std::size_t kWorthPurging = 1_MiB;          // of an empty chunk
constexpr std::uintptr_t kLive = 0x6173686c61722121;  // in the header of a block in use: with its address

// A slot begins with a header, and a block has one right before it: the same, or where its alignment asks for it
// another one further on.
struct alignas(kMinAlign) Header {
  std::uint32_t size;   // index of the slot's
  std::uint32_t shift;  // from the slot's header, in units
  std::uintptr_t mark;
};

// Sizes of blocks: 16, 32, 48, 64, and then four of each doubling.
struct Size {
  std::size_t bytes;
  unsigned index;
};
constexpr Size size_of(std::size_t bytes) {
  if (bytes <= 64) {
    const std::size_t steps = bytes != 0 ? (bytes + kMinAlign - 1) / kMinAlign : 1;
    return {steps * kMinAlign, static_cast<unsigned>(steps - 1)};
  }
  const auto width = static_cast<unsigned>(std::bit_width(bytes - 1));
  const std::size_t step = std::size_t{1} << (width - 3), steps = (bytes + step - 1) / step;
  return {steps * step, (width - 6) * 4 + static_cast<unsigned>(steps) - 5};
}
constexpr std::size_t bytes_of_size(unsigned index) {
  if (index < 4) return (index + 1) * kMinAlign;
  return std::size_t{(index - 4) % 4 + 5} << ((index - 4) / 4 + 4);
}
static_assert(bytes_of_size(size_of(16).index) == 16 && bytes_of_size(size_of(100).index) == size_of(100).bytes);
static_assert(bytes_of_size(size_of(5000).index) == size_of(5000).bytes && size_of(5000).bytes == 5120);
static_assert(size_of(16).index == 0 && size_of(65).index == 4 && size_of(65).bytes == 80);
static_assert(size_of(kFirstChunk << (kChunks - 1)).index < kSizes);

constexpr std::uintptr_t kTaking = 1;  // in a list's word

// Chunk::fill: 24 bits of blocks in use, 40 bits of units that were given out since the chunk was empty.
constexpr unsigned kUsedBits = 40;
constexpr std::uint64_t kOneBlock = std::uint64_t{1} << kUsedBits;
constexpr std::uint64_t kUsedMask = kOneBlock - 1;
constexpr std::uint64_t kMaxBlocks = (std::uint64_t{1} << (64 - kUsedBits)) - 1;

std::size_t bytes_of(unsigned chunk) { return kFirstChunk << chunk; }

char* start_of(unsigned i) {
  return i == 0 ? emergency.first_chunk : emergency.chunks[i].start.load(std::memory_order_acquire);
}

char* open_chunk(unsigned i) {
  if (char* const there = start_of(i)) return there;
  auto* const made = static_cast<char*>(os::map(bytes_of(i)));
  if (made == nullptr) return nullptr;
  os::name_memory(made, bytes_of(i), "ashlar: emergency");
  char* expected = nullptr;
  if (emergency.chunks[i].start.compare_exchange_strong(expected, made, std::memory_order_acq_rel)) return made;
  os::unmap(made, bytes_of(i));  // another thread was first
  return expected;
}

// Where the next `units` of a chunk begin, in units; kUsedMask if there is no room.
std::uint64_t bump(Chunk& chunk, std::size_t chunk_bytes, std::size_t units) {
  std::uint64_t fill = chunk.fill.load(std::memory_order_relaxed);
  do {
    const std::uint64_t used = fill & kUsedMask;
    if (units > chunk_bytes / kMinAlign - used || fill >> kUsedBits == kMaxBlocks) return kUsedMask;
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

// Takes a block off the count. An empty chunk is closed while its lists and pages are cleared: no thread carves from
// it, and only threads that hold a block of it look into its lists.
void leave_chunk(unsigned i) {
  Chunk& chunk = emergency.chunks[i];
  std::uint64_t fill = chunk.fill.load(std::memory_order_relaxed), next = 0;
  do next = fill >> kUsedBits == 1 ? bytes_of(i) / kMinAlign : fill - kOneBlock;
  while (!chunk.fill.compare_exchange_weak(fill, next, std::memory_order_acq_rel, std::memory_order_relaxed));
  if (fill >> kUsedBits != 1) return;
  for (List& list : chunk.freed) {
    if (list.load(std::memory_order_relaxed) != 0) list.store(0, std::memory_order_relaxed);
  }
  if (i != 0 && (fill & kUsedMask) * kMinAlign >= kWorthPurging) {
    auto start = reinterpret_cast<std::uintptr_t>(start_of(i));
    std::size_t bytes = bytes_of(i);
    os::purge(start, bytes, PurgeMode::kDontNeed);
  }
  chunk.fill.store(0, std::memory_order_release);
}

// Counts one more block in a chunk that has some.
bool join_chunk(Chunk& chunk) {
  std::uint64_t fill = chunk.fill.load(std::memory_order_relaxed);
  do {
    if (fill >> kUsedBits == 0 || fill >> kUsedBits == kMaxBlocks) return false;
  } while (
      !chunk.fill.compare_exchange_weak(fill, fill + kOneBlock, std::memory_order_acquire, std::memory_order_relaxed));
  return true;
}

void put(List& list, Header& header) {
  std::uintptr_t head = list.load(std::memory_order_relaxed);
  do header.mark = head & ~kTaking;
  while (!list.compare_exchange_weak(head, reinterpret_cast<std::uintptr_t>(&header) | (head & kTaking),
                                     std::memory_order_release, std::memory_order_relaxed));
}

// The slot that was last put into a list; null where another thread takes one.
Header* take(List& list) {
  std::uintptr_t head = list.load(std::memory_order_relaxed);
  do {
    if (head == 0 || (head & kTaking) != 0) return nullptr;
  } while (!list.compare_exchange_weak(head, head | kTaking, std::memory_order_acquire, std::memory_order_relaxed));
  head |= kTaking;
  for (;;) {
    auto* const slot = reinterpret_cast<Header*>(head & ~kTaking);
    if (list.compare_exchange_weak(head, slot->mark, std::memory_order_acq_rel, std::memory_order_acquire)) return slot;
  }
}

// A free slot of a size, counted in its chunk again; null if none is at hand.
Header* take_freed(unsigned index) {
  for (unsigned i = 0; i < kChunks; ++i) {
    Chunk& chunk = emergency.chunks[i];
    if (chunk.freed[index].load(std::memory_order_relaxed) == 0 || !join_chunk(chunk)) continue;
    if (Header* const slot = take(chunk.freed[index])) return slot;
    leave_chunk(i);
  }
  return nullptr;
}

Header* bump_any(std::size_t bytes) {
  for (unsigned i = 0; i < kChunks; ++i) {
    if (bytes > bytes_of(i)) continue;
    char* const start = open_chunk(i);
    if (start == nullptr) return nullptr;
    const std::uint64_t at = bump(emergency.chunks[i], bytes_of(i), bytes / kMinAlign);
    if (at != kUsedMask) return reinterpret_cast<Header*>(start + at * kMinAlign);
  }
  return nullptr;
}

}  // namespace

void* allocate_emergency(std::size_t size, std::size_t alignment) {
  if (size > bytes_of(kChunks - 1) || alignment > bytes_of(kChunks - 3)) return nullptr;
  const Size rounded = size_of(size + (alignment > kMinAlign ? alignment : 0));
  if (rounded.index >= kSizes) return nullptr;  // with what the alignment adds
  Header* slot = take_freed(rounded.index);
  if (slot == nullptr) slot = bump_any(rounded.bytes + sizeof(Header));
  if (slot == nullptr) return nullptr;
  const auto first = reinterpret_cast<std::uintptr_t>(slot + 1);
  const std::uintptr_t block = round_up(first, alignment > kMinAlign ? alignment : kMinAlign);
  *reinterpret_cast<Header*>(block - sizeof(Header)) = {
      rounded.index, static_cast<std::uint32_t>((block - first) / kMinAlign), kLive ^ block};
  return reinterpret_cast<void*>(block);
}

std::size_t usable_emergency(const void* p) {
  const Header* const header = header_of(p);
  return header != nullptr ? bytes_of_size(header->size) - std::size_t{header->shift} * kMinAlign : 0;
}

bool release_emergency(void* p) {
  Header* const header = header_of(p);
  if (header == nullptr) return false;
  const unsigned i = chunk_around(p);
  List& list = emergency.chunks[i].freed[header->size];
  header->mark = 0;
  put(list, *(header - header->shift));
  leave_chunk(i);
  return true;
}

// --- What waits to be freed

struct Deferred {
  Deferred* next;
  void* block;
  std::uint8_t how;
};

constinit Deferral deferral;

namespace {

constinit thread_local bool in_for_deferred = false;  // what is deferred meanwhile waits for the next call

}  // namespace

void defer(void* p, std::uint8_t how) {
  if (release_emergency(p)) return;
  auto* const entry = static_cast<Deferred*>(allocate_emergency(sizeof(Deferred), kMinAlign));
  if (entry == nullptr) return;  // the block is lost
  *entry = {deferral.first.load(std::memory_order_relaxed), p, how};
  while (
      !deferral.first.compare_exchange_weak(entry->next, entry, std::memory_order_release, std::memory_order_relaxed)) {
  }
}

void forget_deferring() {
  in_for_deferred = false;
  deferral.freeing.store(0, std::memory_order_relaxed);
}

bool frees_deferred() { return !in_for_deferred && deferral.freeing.load(std::memory_order_seq_cst) != 0; }

void for_deferred(void (*free)(void* p, std::uint8_t how)) {
  if (in_for_deferred) return;
  in_for_deferred = true;
  deferral.freeing.fetch_add(1, std::memory_order_seq_cst);
  for (Deferred* entry = deferral.first.exchange(nullptr, std::memory_order_seq_cst); entry != nullptr;) {
    Deferred* const next = entry->next;
    const Deferred one = *entry;
    release_emergency(entry);
    free(one.block, one.how);
    entry = next;
  }
  deferral.freeing.fetch_sub(1, std::memory_order_release);  // pairs with the load in frees_deferred
  in_for_deferred = false;
}

}  // namespace ashlar::heap
