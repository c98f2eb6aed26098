// page: an arena's dirty bits, and how a zone gets new arenas.
#include <bit>

#include "base/hints.h"
#include "os/sanitizers.h"
#include "page/alloc_pages.h"
#include "page/hugetlb.h"
#include "page/swap.h"
#include "page/zone.h"

namespace ashlar::page {

constinit ArenaTable arena_table;
[[ASHLAR_SPARSE]] constinit Arena arenas[kMaxArenas];

namespace {

// An arena is as large as all before it, from 2 MiB on and up to the usual size: a small process takes little address
// space, which `ulimit -v` and mlockall(2) count. Address space is reserved ahead in proportion to the heap.
constexpr std::size_t kFirstArena = kArenaAlign;
constexpr std::size_t kArena = kMaxOrder.bytes();  // the usual size
constexpr std::uint16_t kArenasPerSize = 64;       // after this many arenas of all zones the usual size doubles
constexpr std::size_t kMaxArena = 256_MiB;         // an arena, and what is reserved ahead
constexpr std::size_t kAheadShare = 4;
constexpr std::size_t kHugeFrom = 16_MiB;  // of a smaller heap a huge page would be a large part
constexpr std::uint64_t kAllOnes = ~std::uint64_t{0};

static_assert(kArena % kArenaAlign == 0 && kArenaAlign % (std::size_t{1} << kStrideShift) == 0,
              "descriptors are entered by whole strides of 2 MiB");

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

[[ASHLAR_ALWAYS_RUN]] std::uint32_t Arena::count_dirty(PageIndex first, std::uint32_t count) const {
  ASHLAR_ASSERT(first + count <= end(), "dirty bits are those of the arena's pages");
  std::uint32_t n = 0;
  for_words(first.raw, count, [&](std::uint32_t word, std::uint64_t mask) {
    n += static_cast<std::uint32_t>(std::popcount(dirty[word] & mask));
  });
  return n;
}

[[ASHLAR_ALWAYS_RUN]] void Arena::set_dirty(PageIndex first, std::uint32_t count, bool value) {
  ASHLAR_ASSERT(first + count <= end(), "dirty bits are those of the arena's pages");
  for_words(first.raw, count, [&](std::uint32_t word, std::uint64_t mask) {
    dirty[word] = value ? dirty[word] | mask : dirty[word] & ~mask;
  });
}

[[ASHLAR_ALWAYS_RUN]] PageIndex Arena::find(PageIndex from, PageIndex end, bool value) const {
  ASHLAR_ASSERT(end.raw <= pages, "dirty bits are those of the arena's pages");
  while (from < end) {
    const std::uint64_t word = (value ? dirty[from.raw / 64] : ~dirty[from.raw / 64]) >> (from.raw % 64);
    if (word != 0) {
      const PageIndex at = from + static_cast<std::uint32_t>(std::countr_zero(word));
      return at < end ? at : end;
    }
    from = PageIndex((from.raw / 64 + 1) * 64);
  }
  return end;
}

[[ASHLAR_SELDOM_RUN]] const Arena* arena_around(PageId page) {
  const std::uintptr_t address = page.address();
  const Guard guard(arena_table.lock);
  for (unsigned i = 0; i < arena_table.count; ++i) {
    if (address - arenas[i].base < PageCount(arenas[i].pages).bytes()) return &arenas[i];
  }
  return nullptr;
}

[[ASHLAR_SELDOM_RUN]] bool page_of(const Page* descriptor, PageId& page) {
  const Guard guard(arena_table.lock);
  for (unsigned i = 0; i < arena_table.count; ++i) {
    const auto offset =
        reinterpret_cast<std::uintptr_t>(descriptor) - reinterpret_cast<std::uintptr_t>(arenas[i].descriptors);
    if (offset >= arenas[i].pages * sizeof(Page)) continue;
    page = arenas[i].id_of(PageIndex(static_cast<std::uint32_t>(offset / sizeof(Page))));
    return offset % sizeof(Page) == 0;
  }
  return false;
}

[[ASHLAR_ALWAYS_RUN]] void lock_arenas_for_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  arena_table.lock.lock_beside_same_rank();
}
[[ASHLAR_ALWAYS_RUN]] void unlock_arenas_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { arena_table.lock.unlock(); }
[[ASHLAR_ALWAYS_RUN]] void reset_arenas_in_child() { arena_table.lock.reset(); }

namespace {

// Enters an arena into the table; null when it is full.
Arena* enter_arena(const Arena& arena) {
  const Guard guard(arena_table.lock);
  if (arena_table.count == kMaxArenas) return nullptr;
  set_descriptors(arena.base, PageCount(arena.pages).bytes(), arena.descriptors);
  Arena& entered = arenas[arena_table.count];
  entered = arena;
  // release: pairs with the acquire in arenas_are_whole
  __atomic_store_n(&arena_table.count, static_cast<std::uint16_t>(arena_table.count + 1), __ATOMIC_RELEASE);
  return &entered;
}

// True if the table has room for one more, with its sections made. What an arena needs beyond that is taken only then,
// since metadata is never freed.
[[ASHLAR_ALWAYS_RUN]] bool prepare_to_enter(std::uintptr_t base, std::size_t bytes) {
  const Guard guard(arena_table.lock);
  return arena_table.count < kMaxArenas && add_sections(base, bytes);
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] std::uint16_t count_arenas() {
  const Guard guard(arena_table.lock);
  return arena_table.count;
}

[[ASHLAR_ALWAYS_RUN]] bool arenas_are_whole() ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  // Without the lock, whose word would be a page to copy. What is in the table stays as it is. acquire: pairs with the
  // release in enter_arena.
  for (unsigned i = 0, n = __atomic_load_n(&arena_table.count, __ATOMIC_ACQUIRE); i < n; ++i) {
    if (!os::all_mapped(reinterpret_cast<void*>(arenas[i].base), PageCount(arenas[i].pages).bytes())) return false;
  }
  return true;
}

namespace {

// The size of the next arena of a zone that has `present` bytes, a power of two.
std::size_t next_arena_bytes(std::size_t present) {
  if (present < kArena) return present < kFirstArena ? kFirstArena : std::bit_floor(present);
  const unsigned doublings = count_arenas() / kArenasPerSize;
  return doublings < 3 ? kArena << doublings : kMaxArena;
}

void advise(void* start, std::size_t bytes, std::size_t present, bool huge) {
  if (huge || options.hugepages == HugePages::kAlways) os::advise_huge(start, bytes);
  else if (options.hugepages == HugePages::kNever && present <= kHugeFrom) os::avoid_huge(start, bytes);
}

}  // namespace

// Maps an arena of `bytes` for a zone that has `present` bytes, with its tables; empty if the system refuses.
[[ASHLAR_ALWAYS_RUN]] Zone::Mapped Zone::map_arena(std::size_t bytes, std::size_t present) {
  ASHLAR_ASSERT(bytes % kArenaAlign == 0 && bytes != 0, "the sizes of arenas are aligned");
  if (!reserve(bytes, present)) return {};
  const std::uintptr_t base = reserved_;
  void* const start = reinterpret_cast<void*>(base);
  // in this order, and in one piece, a small process touches one page for both
  const std::size_t pages = bytes >> kPageShift;
  const std::size_t dirty_bytes = round_up((pages + 63) / 64 * sizeof(std::uint64_t), sizeof(Page));
  char* tables = nullptr;
  if (os::commit(start, bytes) && prepare_to_enter(base, bytes))
    tables = static_cast<char*>(metadata_alloc(dirty_bytes + pages * sizeof(Page), sizeof(Page)));
  if (tables == nullptr) {
    release_reservation();  // perhaps it took the address space that the descriptors would need
    return {};
  }
  bind(base, bytes);
  os::add_root_region(start, bytes);
  advise(start, bytes, present + bytes, huge);
  return {base, static_cast<std::uint32_t>(pages), reinterpret_cast<Page*>(tables + dirty_bytes),
          reinterpret_cast<std::uint64_t*>(tables)};
}

// The same of the reserved pool: what it has, of the usual size or less; empty if it has less than `min`.
Zone::Mapped Zone::map_from_pool(std::size_t usual, std::size_t min) {
  const int node = bound_ == 0 ? -1 : bound_ - 1;
  std::size_t bytes = usual > min ? usual : std::bit_ceil(min);
  void* start = options.hugepages == HugePages::kReserved1g ? page::take_from_pool(1_GiB, node) : nullptr;
  if (start != nullptr) bytes = 1_GiB;
  while (start == nullptr && (start = page::take_from_pool(bytes, node)) == nullptr) {
    if (bytes == min) return {};
    bytes = bytes / 2 > min ? bytes / 2 : min;
  }
  const std::uintptr_t base = reinterpret_cast<std::uintptr_t>(start);
  const std::size_t pages = bytes >> kPageShift;
  const std::size_t dirty_bytes = round_up((pages + 63) / 64 * sizeof(std::uint64_t), sizeof(Page));
  char* tables = nullptr;
  if (prepare_to_enter(base, bytes))
    tables = static_cast<char*>(metadata_alloc(dirty_bytes + pages * sizeof(Page), sizeof(Page)));
  if (tables == nullptr) {
    return_to_pool(start);
    return {};
  }
  os::add_root_region(start, bytes);
  return {base, static_cast<std::uint32_t>(pages), reinterpret_cast<Page*>(tables + dirty_bytes),
          reinterpret_cast<std::uint64_t*>(tables), true};
}

// Before the first purge of an arena, without the lock. Where the system makes huge pages of all memory, khugepaged
// would fill again what was purged, and the zone count it as clean (the kernel's transhuge.rst, max_ptes_none).
[[ASHLAR_ALWAYS_RUN]] void keep_holes(const Arena& arena) {
  if (!os::huge_pages_everywhere()) return;
  os::avoid_huge(reinterpret_cast<void*>(arena.base), PageCount(arena.pages).bytes());
}

// Makes what was mapped the last arena. False when the table is full.
[[ASHLAR_ALWAYS_RUN]] bool Zone::add_arena(const Mapped& mapped) {
  ASHLAR_ASSERT(mapped.base % kArenaAlign == 0, "arenas are aligned");
  Arena* const arena = enter_arena({.base = mapped.base,
                                    .pages = mapped.pages,
                                    .node = node_,
                                    .pinned = mapped.pinned,
                                    .zone = this,
                                    .descriptors = mapped.descriptors,
                                    .dirty = mapped.dirty});
  if (arena == nullptr) return false;
  ++arenas_;
  free_rest();
  present_ += PageCount(arena->pages);
  if (arena->pinned) from_pool.fetch_add(arena->pages, std::memory_order_relaxed);
  arena->stays_small = !huge && options.hugepages == HugePages::kNever && present_.bytes() <= kHugeFrom;
  free_ += PageCount(arena->pages);
  last_ = arena;
  rest_ = PageIndex();
  rest_end_ = arena->end();
  joined_ = joined_end_ = PageIndex();
  if (huge) free_rest();  // its units are whole from the beginning
  return true;
}

// Makes sure that the reservation has `bytes` left, or unmaps it and reserves anew. False if the system
// refuses.
[[ASHLAR_ALWAYS_RUN]] bool Zone::reserve(std::size_t bytes, std::size_t present) {
  if (reserved_end_ - reserved_ >= bytes) return true;
  release_reservation();
  std::size_t ahead = round_down(present / kAheadShare, kArenaAlign);
  if (ahead > kMaxArena) ahead = kMaxArena;
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

[[ASHLAR_ALWAYS_RUN]] void Zone::release_reservation() {
  if (reserved_start_ < reserved_end_)
    os::unmap(reinterpret_cast<void*>(reserved_start_), reserved_end_ - reserved_start_);
  reserved_start_ = reserved_ = reserved_end_ = 0;
}

[[ASHLAR_ALWAYS_RUN]] void Zone::bind(std::uintptr_t start, std::size_t bytes) const {
  if (bound_ != 0) os::prefer_node(reinterpret_cast<void*>(start), bytes, bound_ - 1);
}

void Zone::settle_on(NodeId node, int number) {
  const Guard growth_guard(growth);
  const Guard guard(lock);
  node_ = node;
  bound_ = static_cast<std::uint16_t>(number + 1);
  const Guard arenas_guard(arena_table.lock);
  for (unsigned i = 0; i < arena_table.count; ++i) {
    if (arenas[i].zone == this) bind(arenas[i].base, PageCount(arenas[i].pages).bytes());
  }
}

// Commits a new arena of at least `wanted` pages, in ever smaller sizes if the system refuses. The zone's lock is
// dropped around the system calls: other threads go on with what is free.
[[ASHLAR_ALWAYS_RUN]] bool Zone::grow_alone(std::uint32_t wanted) {
  const std::size_t min = round_up(PageCount(wanted).bytes(), kArenaAlign), present = present_.bytes();
  lock.unlock();
  const std::size_t usual = next_arena_bytes(present);
  Mapped mapped;
  if (huge && wants_pool()) mapped = map_from_pool(usual, min);
  for (std::size_t size = usual > min ? usual : std::bit_ceil(min); !mapped;) {
    mapped = map_arena(size, present);
    if (size == min) break;
    size = size / 2 > min ? size / 2 : min;
  }
  lock.lock();
  if (!mapped) return false;
  if (add_arena(mapped)) {
    if (mapped.pinned) return true;
    reserved_start_ = reserved_ = mapped.base + PageCount(mapped.pages).bytes();
    return true;
  }
  lock.unlock();
  if (!return_to_pool(reinterpret_cast<void*>(mapped.base))) release_reservation();
  lock.lock();
  return false;
}

[[ASHLAR_ALWAYS_RUN]] bool Zone::grow(std::uint32_t wanted) {
  if ((huge || (swap_is_on() && swap == nullptr)) && refused_lately(wanted)) return false;
  const PageCount before = present_;
  lock.unlock();
  growth.lock();
  lock.lock();
  // another thread's arena may hold the pages: the caller searches again
  const bool grown = present_ != before || (swap != nullptr ? grow_from_file(wanted) : grow_alone(wanted));
  growth.unlock();
  if (!grown && (huge || swap_is_on())) note_refused(wanted);
  return grown;
}

}  // namespace ashlar::page
