// page: an arena's dirty bits, and how a zone gets new arenas.
#include <bit>

#include "base/hints.h"
#include "page/blocks.h"
#include "page/zone.h"

namespace ashlar::page {

[[ASHLAR_SPARSE]] constinit Arena arenas[kMaxArenas];
constinit std::uint16_t arena_count = 0;

namespace {

// Protects the table of arenas, and the section table against a second writer: each zone has a lock of its own.
constinit Lock<LockRank::kArenas> arenas_lock;

constexpr std::size_t kReserve = std::size_t{256} << 20;  // address space asked for at a time
constexpr std::size_t kArena = kMaxOrder.bytes();         // committed at a time
constexpr std::uint16_t kArenasPerSize = 64;              // then arenas double, up to the reservation
constexpr std::uint64_t kAllOnes = ~std::uint64_t{0};

static_assert(kArena % kArenaAlign == 0 && kArenaAlign % (std::size_t{1} << kBlockShift) == 0,
              "descriptors are entered by whole 2 MiB blocks");

// The bits of a word from `first` on, `count` of them (1 to 64).
constexpr std::uint64_t bits(std::uint32_t first, std::uint32_t count) { return kAllOnes >> (64 - count) << first; }

// Calls visit(word index, mask) for each word that [first, first + count) touches.
template <class Visit>
void for_words(std::uint32_t first, std::uint32_t count, Visit visit) {
  while (count > 0) {
    const std::uint32_t at = first % 64;
    const std::uint32_t here = count < 64 - at ? count : 64 - at;
    visit(first / 64, bits(at, here));
    first += here;
    count -= here;
  }
}

}  // namespace

std::uint32_t Arena::count_dirty(std::uint32_t first, std::uint32_t count) const {
  std::uint32_t n = 0;
  for_words(first, count, [&](std::uint32_t word, std::uint64_t mask) {
    n += static_cast<std::uint32_t>(std::popcount(dirty[word] & mask));
  });
  return n;
}

void Arena::set_dirty(std::uint32_t first, std::uint32_t count, bool value) {
  for_words(first, count, [&](std::uint32_t word, std::uint64_t mask) {
    dirty[word] = value ? dirty[word] | mask : dirty[word] & ~mask;
  });
}

std::uint32_t Arena::find(std::uint32_t from, std::uint32_t end, bool value) const {
  while (from < end) {
    const std::uint64_t word = (value ? dirty[from / 64] : ~dirty[from / 64]) >> (from % 64);
    if (word != 0) {
      const std::uint32_t at = from + static_cast<std::uint32_t>(std::countr_zero(word));
      return at < end ? at : end;
    }
    from = (from / 64 + 1) * 64;
  }
  return end;
}

const Arena* arena_around(PageId page) {
  const std::uintptr_t address = page.address();
  const Guard guard(arenas_lock);
  for (unsigned i = 0; i < arena_count; ++i) {
    if (address - arenas[i].base < PageCount(arenas[i].pages).bytes()) return &arenas[i];
  }
  return nullptr;
}

bool page_of(const Page* descriptor, PageId& page) {
  const Guard guard(arenas_lock);
  for (unsigned i = 0; i < arena_count; ++i) {
    const auto offset =
        reinterpret_cast<std::uintptr_t>(descriptor) - reinterpret_cast<std::uintptr_t>(arenas[i].descriptors);
    if (offset >= arenas[i].pages * sizeof(Page)) continue;
    page = PageId(arenas[i].address_of(static_cast<std::uint32_t>(offset / sizeof(Page))) >> kPageShift);
    return offset % sizeof(Page) == 0;
  }
  return false;
}

void lock_arenas_for_fork() { arenas_lock.lock_beside_same_rank(); }
void unlock_arenas_in_parent() { arenas_lock.unlock(); }
void reset_arenas_in_child() { arenas_lock.reset(); }

namespace {

// Enters an arena into the tables; null when they are full, or without memory.
Arena* enter_arena(const Arena& arena) {
  const Guard guard(arenas_lock);
  const std::size_t bytes = PageCount(arena.pages).bytes();
  if (arena_count == kMaxArenas || !add_descriptors(arena.base, bytes, arena.descriptors)) return nullptr;
  Arena& entered = arenas[arena_count++];
  entered = arena;
  return &entered;
}

}  // namespace

bool Zone::add_arena(std::uintptr_t base, std::size_t bytes) {
  const std::size_t pages = bytes >> kPageShift;
  // in this order a small process touches one page for both
  auto* const dirty = static_cast<std::uint64_t*>(metadata_alloc((pages + 63) / 64 * 8, alignof(std::uint64_t)));
  auto* const descriptors = static_cast<Page*>(metadata_alloc(pages * sizeof(Page), sizeof(Page)));
  if (descriptors == nullptr || dirty == nullptr) return false;
  Arena* const arena = enter_arena({base, static_cast<std::uint32_t>(pages), node_, this, descriptors, dirty});
  if (arena == nullptr) return false;
  ++arenas_;
  give_rest();
  present_ += pages;
  free_ += pages;
  last_ = arena;
  rest_ = 0;
  rest_end_ = arena->pages;
  return true;
}

// Makes sure that the reservation has `bytes` left: what was left of the last one is address space lost. False if the
// system refuses, as it does under a tight `ulimit -v`; then reservations are as small as they can be from there on.
bool Zone::reserve(std::size_t bytes) {
  if (reserved_end_ - reserved_ >= bytes) return true;
  release_reservation();
  for (const std::size_t span : {tight_ ? bytes : kReserve, bytes}) {
    if (void* const p = os::reserve(span + kArenaAlign)) {
      os::name_memory(p, span + kArenaAlign, os::kArenaName);
      const auto start = reinterpret_cast<std::uintptr_t>(p);
      reserved_start_ = start;
      reserved_ = round_up(start, kArenaAlign);
      reserved_end_ = start + span + kArenaAlign;
      return true;
    }
    tight_ = true;
  }
  return false;
}

void Zone::release_reservation() {
  if (reserved_start_ < reserved_end_)
    os::unmap(reinterpret_cast<void*>(reserved_start_), reserved_end_ - reserved_start_);
  reserved_start_ = reserved_ = reserved_end_ = 0;
}

void Zone::bind(std::uintptr_t start, std::size_t bytes) const {
  if (bound_ != 0) os::prefer_node(reinterpret_cast<void*>(start), bytes, bound_ - 1);
}

void Zone::settle_on(NodeId node, int number) {
  const Guard guard(lock);
  node_ = node;
  bound_ = static_cast<std::uint16_t>(number + 1);
  const Guard arenas_guard(arenas_lock);
  for (unsigned i = 0; i < arena_count; ++i) {
    if (arenas[i].zone == this) bind(arenas[i].base, PageCount(arenas[i].pages).bytes());
  }
}

// Commits a new arena of at least so many pages, in ever smaller sizes if the system refuses.
bool Zone::grow(std::uint32_t wanted) {
  const unsigned doublings = arenas_ / kArenasPerSize;
  const std::size_t least = round_up(PageCount(wanted).bytes(), kArenaAlign);
  for (std::size_t size = doublings < 3 ? kArena << doublings : kReserve; size >= least; size /= 2) {
    if (!reserve(size)) continue;
    void* const start = reinterpret_cast<void*>(reserved_);
    if (os::commit(start, size) && add_arena(reserved_, size)) {
      bind(reserved_, size);
      if (options.hugepages == static_cast<std::uint64_t>(HugePages::kAlways)) os::advise_huge(start, size);
      reserved_ += size;
      reserved_start_ = reserved_;
      return true;
    }
    release_reservation();  // perhaps it took the address space that the descriptors would need
  }
  return false;
}

}  // namespace ashlar::page
