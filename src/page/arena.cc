// page: an arena's dirty bits, and how a zone gets new arenas.
#include <bit>

#include "base/hints.h"
#include "os/sanitizers.h"
#include "page/blocks.h"
#include "page/zone.h"

namespace ashlar::page {

constinit Lock<LockRank::kArenas> arenas_lock;
[[ASHLAR_SPARSE]] constinit Arena arenas[kMaxArenas];
constinit std::uint16_t arena_count = 0;

namespace {

// An arena is as large as all before it, from 2 MiB on and up to the usual size: a small process takes little address
// space, which `ulimit -v` and mlockall(2) count. Address space is reserved ahead in proportion to the heap.
constexpr std::size_t kFirstArena = kArenaAlign;
constexpr std::size_t kArena = kMaxOrder.bytes();           // the usual size
constexpr std::uint16_t kArenasPerSize = 64;                // so many arenas of all zones, and the usual size doubles
constexpr std::size_t kMostArena = std::size_t{256} << 20;  // an arena, and what is reserved ahead
constexpr std::size_t kAheadShare = 4;
constexpr std::size_t kHugeFrom = std::size_t{16} << 20;  // of a smaller heap a huge page would be a large part
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
  ASHLAR_ASSERT(first + count <= pages, "dirty bits are those of the arena's pages");
  std::uint32_t n = 0;
  for_words(first, count, [&](std::uint32_t word, std::uint64_t mask) {
    n += static_cast<std::uint32_t>(std::popcount(dirty[word] & mask));
  });
  return n;
}

void Arena::set_dirty(std::uint32_t first, std::uint32_t count, bool value) {
  ASHLAR_ASSERT(first + count <= pages, "dirty bits are those of the arena's pages");
  for_words(first, count, [&](std::uint32_t word, std::uint64_t mask) {
    dirty[word] = value ? dirty[word] | mask : dirty[word] & ~mask;
  });
}

std::uint32_t Arena::find(std::uint32_t from, std::uint32_t end, bool value) const {
  ASHLAR_ASSERT(end <= pages, "dirty bits are those of the arena's pages");
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

void lock_arenas_for_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { arenas_lock.lock_beside_same_rank(); }
void unlock_arenas_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { arenas_lock.unlock(); }
void reset_arenas_in_child() { arenas_lock.reset(); }

namespace {

// Enters an arena into the table; null when it is full.
Arena* enter_arena(const Arena& arena) {
  const Guard guard(arenas_lock);
  if (arena_count == kMaxArenas) return nullptr;
  set_descriptors(arena.base, PageCount(arena.pages).bytes(), arena.descriptors);
  Arena& entered = arenas[arena_count];
  entered = arena;
  // release: pairs with the acquire in arenas_are_whole
  __atomic_store_n(&arena_count, static_cast<std::uint16_t>(arena_count + 1), __ATOMIC_RELEASE);
  return &entered;
}

// True if the table has room for one more, with its sections made. What an arena needs beyond that is taken only then,
// since metadata is never given back.
bool prepare_to_enter(std::uintptr_t base, std::size_t bytes) {
  const Guard guard(arenas_lock);
  return arena_count < kMaxArenas && add_sections(base, bytes);
}

}  // namespace

std::uint16_t count_arenas() {
  const Guard guard(arenas_lock);
  return arena_count;
}

bool arenas_are_whole() ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  // Without the lock, whose word would be a page to copy. What is in the table stays as it is. acquire: pairs with the
  // release in enter_arena.
  for (unsigned i = 0, n = __atomic_load_n(&arena_count, __ATOMIC_ACQUIRE); i < n; ++i) {
    if (!os::all_mapped(reinterpret_cast<void*>(arenas[i].base), PageCount(arenas[i].pages).bytes())) return false;
  }
  return true;
}

bool Zone::add_arena(std::uintptr_t base, std::size_t bytes) {
  ASHLAR_ASSERT(lock.held(), "the zone's lock is held");
  ASHLAR_ASSERT(base % kArenaAlign == 0 && bytes % kArenaAlign == 0 && bytes != 0,
                "arenas are aligned, and so are their sizes");
  if (!prepare_to_enter(base, bytes)) return false;
  const std::size_t pages = bytes >> kPageShift;
  // in this order, and in one piece, a small process touches one page for both
  const std::size_t dirty_bytes = round_up((pages + 63) / 64 * sizeof(std::uint64_t), sizeof(Page));
  auto* const memory = static_cast<char*>(metadata_alloc(dirty_bytes + pages * sizeof(Page), sizeof(Page)));
  if (memory == nullptr) return false;
  auto* const dirty = reinterpret_cast<std::uint64_t*>(memory);
  auto* const descriptors = reinterpret_cast<Page*>(memory + dirty_bytes);
  Arena* const arena = enter_arena({base, static_cast<std::uint32_t>(pages), node_, this, descriptors, dirty});
  if (arena == nullptr) return false;
  ++arenas_;
  give_rest();
  present_ += pages;
  free_ += pages;
  last_ = arena;
  rest_ = 0;
  rest_end_ = arena->pages;
  joined_ = joined_end_ = 0;
  return true;
}

// Makes sure that the reservation has `bytes` left: what was left of the last one is given back. False if the system
// refuses.
bool Zone::reserve(std::size_t bytes) {
  if (reserved_end_ - reserved_ >= bytes) return true;
  release_reservation();
  std::size_t ahead = round_down(PageCount(present_).bytes() / kAheadShare, kArenaAlign);
  if (ahead > kMostArena) ahead = kMostArena;
  for (const std::size_t span : {ahead > bytes ? ahead : bytes, bytes}) {
    void* const p = os::reserve_aligned(span, kArenaAlign);
    if (p == nullptr) continue;
    os::name_memory(p, span, os::kArenaName);
    reserved_start_ = reserved_ = reinterpret_cast<std::uintptr_t>(p);
    reserved_end_ = reserved_ + span;
    return true;
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

// The size of the next arena, a power of two.
std::size_t Zone::next_arena_bytes() const {
  const std::size_t present = PageCount(present_).bytes();
  if (present < kArena) return present < kFirstArena ? kFirstArena : std::bit_floor(present);
  const unsigned doublings = count_arenas() / kArenasPerSize;
  return doublings < 3 ? kArena << doublings : kMostArena;
}

void Zone::advise(void* start, std::size_t bytes) const {
  if (options.hugepages == static_cast<std::uint64_t>(HugePages::kAlways)) os::advise_huge(start, bytes);
  else if (options.hugepages == static_cast<std::uint64_t>(HugePages::kNever) &&
           PageCount(present_).bytes() <= kHugeFrom)
    os::avoid_huge(start, bytes);
}

// Commits a new arena of at least so many pages, in ever smaller sizes if the system refuses.
bool Zone::grow(std::uint32_t wanted) {
  const std::size_t least = round_up(PageCount(wanted).bytes(), kArenaAlign);
  const std::size_t usual = next_arena_bytes();
  for (std::size_t size = usual > least ? usual : std::bit_ceil(least);; size = size / 2 > least ? size / 2 : least) {
    if (reserve(size)) {
      void* const start = reinterpret_cast<void*>(reserved_);
      if (os::commit(start, size) && add_arena(reserved_, size)) {
        bind(reserved_, size);
        os::add_root_region(start, size);
        advise(start, size);
        reserved_ += size;
        reserved_start_ = reserved_;
        return true;
      }
      release_reservation();  // perhaps it took the address space that the descriptors would need
    }
    if (size == least) return false;
  }
}

}  // namespace ashlar::page
