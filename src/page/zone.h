// page, private: zones, the buddy allocators of pages.
//
// Free blocks of clean and dirty pages (arena.h) merge with each other; a block is listed as dirty when any page of it
// is. Figures stay exact, since they come from the bits.
//
// What is not in zone.cc is defined in arena.cc, growing.cc, huge.cc, nodes.cc, purge.cc, reclaim.cc, section.cc and
// swap.cc.
#pragma once

#include <cstdint>

#include "page/arena.h"
#include "page/budget.h"
#include "page/extents.h"
#include "page/feedback.h"
#include "page/page.h"
#include "page/watch.h"

namespace ashlar {
struct RootLayout;  // stats/root.cc: where a reader from outside finds what
}

namespace ashlar::page {

struct SwapArea;
class ColdRuns;

class Zone {
  friend struct ashlar::RootLayout;
  friend class ZoneCheck;  // validate_page.cc

 public:
  Lock<LockRank::kZone> lock;
  // One thread at a time maps an arena, without the zone's lock.
  Lock<LockRank::kGrowth> growth;
  // The area whose zone it is, or null: constant.
  SwapArea* swap = nullptr;
  // Whether it is a node's Huge zone (huge.cc): constant.
  bool huge = false;

  // Takes a block of an order, growing the zone when none is free; null without memory.
  Page* take(Order order) ASHLAR_REQUIRES(lock);
  // Takes `count` pages, at most a block of the order, at a multiple of `alignment` pages; null without memory.
  Page* take_exact(std::uint32_t count, PageAlign alignment) ASHLAR_REQUIRES(lock);
  // The same for a run that grows: prefers resident pages that are followed by as many that are free and resident.
  Page* take_growing(std::uint32_t count) ASHLAR_REQUIRES(lock);
  // True when moving a run of `count` pages to resident ones costs less than faulting it in to grow it to `wanted`.
  [[nodiscard]] bool grows_for_less_elsewhere(Arena& arena, PageIndex first, std::uint32_t count,
                                              std::uint32_t wanted) const ASHLAR_REQUIRES(lock);
  // Takes the free pages [first, first + count) of an arena; false, and nothing changed, if not all are free.
  bool take_range(Arena& arena, PageIndex first, std::uint32_t count) ASHLAR_REQUIRES(lock);
  // Returns pages to the buddy, whatever their alignment.
  void free_range(Arena& arena, PageIndex first, std::uint32_t count) ASHLAR_REQUIRES(lock);
  // Frees a run's pages, all of which may be resident; the second, pages that nobody has used since a moment.
  void free_run(Arena& arena, PageIndex first, std::uint32_t count) ASHLAR_REQUIRES(lock);
  void free_run(Arena& arena, PageIndex first, std::uint32_t count, Moment since) ASHLAR_REQUIRES(lock);

  // True when the page before one is free and known to read as zero.
  [[nodiscard]] bool clean_before(Arena& arena, PageIndex index) ASHLAR_REQUIRES(lock);

  // The first rule that does not hold, of free areas, extents, isolated blocks, the rest, dirty bits and counts, and of
  // the zone's arenas. The time grows with the blocks.
  [[nodiscard, gnu::cold]] Broken validate() const ASHLAR_REQUIRES(lock);

  Watch watch ASHLAR_GUARDED_BY(lock);

  [[nodiscard, gnu::always_inline]] PageCount live() const ASHLAR_REQUIRES(lock) {
    return present_ - free_ - isolated_pages_;
  }
  [[nodiscard]] PageCount dirty_free() const ASHLAR_REQUIRES(lock) { return dirty_free_; }
  void fill(ZoneCounts& counts) const ASHLAR_REQUIRES(lock);

  // Purges free pages until at most `target` are dirty, the oldest first, and only those older than min_age. Takes
  // the lock itself and drops it around the system calls. Returns the pages that were purged.
  // The second form takes all that is free, the first leaves small parts of the Huge zone's units.
  PageCount purge(PageCount target, AgeMs min_age, Budget& budget) ASHLAR_EXCLUDES(lock);
  PageCount purge(PageCount target, AgeMs min_age) ASHLAR_EXCLUDES(lock);

  // The same above the high watermark: down to the low one, three quarters of it.
  PageCount purge_excess(Budget& budget) ASHLAR_EXCLUDES(lock);

  // Called after pages were freed, without the lock: wakes kswapd or asks for a step of purging if too many stay.
  void balance() ASHLAR_EXCLUDES(lock);

  // kswapd's part of a round: the pages that were purged. And when it ends.
  PageCount age() ASHLAR_EXCLUDES(lock);
  void leave_alone() ASHLAR_EXCLUDES(lock);

  // These take the lock themselves, too. Whether a purge could free anything; after how long pages are old.
  [[nodiscard]] bool has_purgeable() ASHLAR_EXCLUDES(lock);
  [[nodiscard]] AgeMs old_after() ASHLAR_EXCLUDES(lock);

  // In the child of a fork: what another thread was purging is free again.
  [[gnu::cold]] void take_back_isolated() ASHLAR_REQUIRES(lock);

  // Unmaps address space that is in no arena.
  void release_reservation() ASHLAR_REQUIRES(growth);
  [[nodiscard]] bool has_reservation() const ASHLAR_REQUIRES(growth) { return reserved_ != reserved_end_; }

  // Of a swap area: takes pages wherever all are free, be they several blocks of the largest order.
  Page* take_wide(std::uint32_t count) ASHLAR_REQUIRES(lock);
  // Of a swap area: gives what was taken room in the file, dropping the lock. False, and nothing changed, without room.
  bool back_by_file(Page* head, std::uint32_t count) ASHLAR_REQUIRES(lock);

  // Beside swap areas: whether the system, or the memory cgroup, refused so many pages or fewer a moment ago.
  void note_refused(std::uint32_t count);
  [[nodiscard]] bool refused_lately(std::uint32_t count = UINT32_MAX) const;
  // Whether a large run leaves too little to smaller ones, where the zone may not grow.
  [[nodiscard]] bool is_short_for(std::uint32_t count) ASHLAR_EXCLUDES(lock);

  // After pages were taken, these included.
  void note_growing(const Page* first, std::uint32_t count) ASHLAR_REQUIRES(lock);

  // What other threads may read without the lock: hints, and perhaps a moment old.
  [[nodiscard, gnu::always_inline]] PageCount live_hint() const {
    return PageCount(live_hint_.load(std::memory_order_relaxed));
  }
  [[nodiscard]] PageCount max_live_hint() const { return PageCount(max_live_hint_.load(std::memory_order_relaxed)); }
  [[nodiscard, gnu::always_inline]] PageCount dirty_hint() const {
    return PageCount(dirty_hint_.load(std::memory_order_relaxed));
  }

  // Makes it the zone of a node; `number` is the kernel's, whose memory its arenas get from then on, or -1. Takes the
  // lock itself.
  [[gnu::cold]] void settle_on(NodeId node, int number) ASHLAR_EXCLUDES(lock, growth);

  // Makes it the Huge zone of the node whose Normal zone is given, before any other thread knows it.
  [[gnu::cold]] void become_huge(const Zone& normal) ASHLAR_REQUIRES(normal.growth) ASHLAR_NO_THREAD_SAFETY_ANALYSIS;

 private:
  // Free pages above the high watermark.
  enum class Excess : std::uint8_t { kNone, kSome, kFar };

  struct FreeArea {
    List<Page> clean, dirty;
  };

  // What of an arena is mapped before it is one.
  struct Mapped {
    std::uintptr_t base = 0;
    std::uint32_t pages = 0;
    Page* descriptors = nullptr;
    std::uint64_t* dirty = nullptr;
    bool pinned = false;  // see Arena
    explicit operator bool() const { return descriptors != nullptr; }
  };

  // Of what is free, without growing; null if nothing serves.
  Page* take_free(Order order) ASHLAR_REQUIRES(lock);
  Page* take_free_exact(std::uint32_t count, PageAlign alignment) ASHLAR_REQUIRES(lock);
  // Grows by at least `pages`, or finds that another thread has grown it. Drops the lock meanwhile.
  bool grow(std::uint32_t pages) ASHLAR_REQUIRES(lock) ASHLAR_EXCLUDES(growth);
  bool grow_alone(std::uint32_t pages) ASHLAR_REQUIRES(lock, growth);
  bool grow_from_file(std::uint32_t pages) ASHLAR_REQUIRES(lock, growth);
  Mapped map_arena(std::size_t bytes, std::size_t present) ASHLAR_REQUIRES(growth);
  Mapped map_from_pool(std::size_t usual, std::size_t min) ASHLAR_REQUIRES(growth);
  bool extend() ASHLAR_REQUIRES(lock);
  void begin_units(Page* block) ASHLAR_REQUIRES(lock);
  void note_divided(std::uintptr_t start, std::size_t bytes) const;
  void free_rest() ASHLAR_REQUIRES(lock);
  Page* take_from_rest(std::uint32_t count, PageAlign alignment) ASHLAR_REQUIRES(lock);
  Page* take_from_extents(std::uint32_t count, PageAlign alignment) ASHLAR_REQUIRES(lock);
  Page* cut_extent(Page* extent, std::uint32_t count, PageAlign alignment) ASHLAR_REQUIRES(lock);
  Page* take_joined(std::uint32_t count) ASHLAR_REQUIRES(lock);
  void add_run(Arena& arena, PageIndex first, std::uint32_t count, Moment since) ASHLAR_REQUIRES(lock);
  void add_extent(Arena& arena, PageIndex first, std::uint32_t count, Moment since) ASHLAR_REQUIRES(lock);
  std::uint32_t remove_extent(Page* extent) ASHLAR_REQUIRES(lock);
  void unlock_to_purge(Arena& arena) ASHLAR_RELEASE(lock);
  [[nodiscard]] PageRange drop_pages(const Arena& arena, PageRange range) const;
  PageCount purge_pages(Arena& arena, PageRange range, Moment since) ASHLAR_REQUIRES(lock);
  PageCount purge_extent(Page* extent, PageCount target, const Budget& budget) ASHLAR_REQUIRES(lock);
  PageCount purge_block(Page* block, const Budget& budget) ASHLAR_REQUIRES(lock);
  void purge_descriptors(Page* block) ASHLAR_REQUIRES(lock);
  void purge_joined_descriptors() ASHLAR_REQUIRES(lock);
  PageCount purge_blocks(PageCount target, AgeMs min_age, std::uint32_t min_pages, Budget& budget)
      ASHLAR_EXCLUDES(lock);
  Page* find_victim(AgeMs min_age, std::uint32_t min_pages) const ASHLAR_REQUIRES(lock);
  [[nodiscard]] std::uint32_t min_purge() const;
  bool reserve(std::size_t bytes, std::size_t present) ASHLAR_REQUIRES(growth);
  bool add_arena(const Mapped& mapped) ASHLAR_REQUIRES(lock);
  Page* find_dirty(Order order) ASHLAR_REQUIRES(lock);
  Page* find_clean(Order order) ASHLAR_REQUIRES(lock);
  Page* cut_out(Page* block, Order to) ASHLAR_REQUIRES(lock);
  Page* split(Page* block, Order to) ASHLAR_REQUIRES(lock);
  Page* insert(Arena& arena, PageIndex index, Order order, Moment since) ASHLAR_REQUIRES(lock);
  void free_blocks(Arena& arena, PageIndex first, std::uint32_t count, Moment since) ASHLAR_REQUIRES(lock);
  void link(Page* block, std::uint32_t dirty, Moment since) ASHLAR_REQUIRES(lock);
  void unlink(Page* block) ASHLAR_REQUIRES(lock);
  Page* free_block_around(Arena& arena, PageIndex index) ASHLAR_REQUIRES(lock);
  void isolate_one(Page* head, PageState state, PageCount pages) ASHLAR_REQUIRES(lock);
  void end_isolation(Page* head, PageCount pages) ASHLAR_REQUIRES(lock);
  void note_shrinking(std::uint64_t now_ms) ASHLAR_REQUIRES(lock);
  void bind(std::uintptr_t start, std::size_t bytes) const ASHLAR_REQUIRES(growth);

  FreeArea areas_[kMaxOrder.raw + 1] ASHLAR_GUARDED_BY(lock);
  Extents extents_ ASHLAR_GUARDED_BY(lock);
  List<Page> isolated_ ASHLAR_GUARDED_BY(lock);  // off the free areas while the system frees their pages
  PageCount isolated_pages_ ASHLAR_GUARDED_BY(lock);
  PageCount present_ ASHLAR_GUARDED_BY(lock);
  PageCount free_ ASHLAR_GUARDED_BY(lock);
  PageCount dirty_free_ ASHLAR_GUARDED_BY(lock);
  PageCount max_live_ ASHLAR_GUARDED_BY(lock);
  // How many dirty free pages may stay, and how many do once it is purged; as of when pages came back last.
  PageCount high_ ASHLAR_GUARDED_BY(lock), low_ ASHLAR_GUARDED_BY(lock);
  Feedback feedback_ ASHLAR_GUARDED_BY(lock);
  std::uint64_t purged_ ASHLAR_GUARDED_BY(lock) = 0;
  std::uint64_t free_blocks_ ASHLAR_GUARDED_BY(lock) = 0;
  std::atomic<std::size_t> live_hint_{0}, max_live_hint_{0}, dirty_hint_{0};
  std::atomic<std::uint64_t> refused_ms_{0};
  std::atomic<std::uint32_t> refused_pages_{0};
  std::atomic<Excess> excess_{Excess::kNone};
  // The last arena's pages from rest_ to rest_end_ were never in a free area. They enter in pieces that double, so
  // that a small process touches few descriptors; and large blocks are cut off without splitting anything.
  Arena* last_ ASHLAR_GUARDED_BY(lock) = nullptr;
  PageIndex rest_ ASHLAR_GUARDED_BY(lock);
  PageIndex rest_end_ ASHLAR_GUARDED_BY(lock);
  // Of the rest, what was purged into it and may still have descriptors resident. Of no meaning beyond rest_end_.
  PageIndex joined_ ASHLAR_GUARDED_BY(lock);
  PageIndex joined_end_ ASHLAR_GUARDED_BY(lock);
  // Address space not yet made into arenas.
  std::uintptr_t reserved_start_ ASHLAR_GUARDED_BY(growth) = 0;
  std::uintptr_t reserved_ ASHLAR_GUARDED_BY(growth) = 0;
  std::uintptr_t reserved_end_ ASHLAR_GUARDED_BY(growth) = 0;
  // Pages of the Huge zone's units that were begun for what is being taken.
  std::uint32_t begun_ ASHLAR_GUARDED_BY(lock) = 0;
  std::uint16_t arenas_ ASHLAR_GUARDED_BY(lock) = 0;
  NodeId node_ ASHLAR_GUARDED_BY(lock);
  // The kernel's number of the node, plus one; 0: wherever a page is touched first.
  std::uint16_t bound_ ASHLAR_GUARDED_BY(growth) = 0;

 public:
  // Of the option cold (cold.h): the runs of which the kernel is still to be told, made with the first; the pages of
  // which it was told; and the errno of the last time. Relaxed: figures.
  ColdRuns* cold ASHLAR_GUARDED_BY(lock) = nullptr;
  std::atomic<std::uint64_t> advised{0};
  std::atomic<std::uint32_t> advice_refused{0};
  // Pages of arenas that are pinned, without those that left the pool in a child. Relaxed: a figure.
  std::atomic<std::uint64_t> from_pool{0};
};

std::size_t metadata_mapped();
void lock_arenas_for_fork();
void unlock_arenas_in_parent();
void reset_arenas_in_child();
void reset_nodes_in_child();
void lock_metadata_for_fork();
void unlock_metadata_in_parent();
void reset_metadata_in_child();

// The state of a page that may be a run's first: such a run changes between live and at hand without the zone's lock.
// Relaxed: neither is what a look at neighbours is for.
inline PageState state_of(Page* page) { return std::atomic_ref(page->state).load(std::memory_order_relaxed); }

// Makes a live run a free one in the state given; false if it is not live (any more). Of two threads that free it at
// once one claims it. Relaxed: the program orders a block's use and its free.
inline bool claim_run(Page* page, PageState state) {
  PageState expected = PageState::kRun;
  return std::atomic_ref(page->state).compare_exchange_strong(expected, state, std::memory_order_relaxed);
}

extern Zone normal_zone;

// The blocks that the Huge zone begins and gives back: 2 MiB.
inline constexpr Order kHugeOrder = Order::holding(PageCount::floor(os::kHugeBytes));

// The node's Huge zone, which is made when the heap has become large; null before that and without memory.
Zone* huge_zone(Node& node);

// Calls visit for a node's zones.
template <class Visit>
void for_zones_of(Node& node, Visit visit) {
  visit(node.normal);
  // acquire: pairs with the release in make_huge_zone
  if (Zone* const huge = node.huge.load(std::memory_order_acquire)) visit(*huge);
}

// The same for the zones of all nodes.
template <class Visit>
void for_zones(Visit visit) {
  for (unsigned i = 0, n = node_count(); i < n; ++i) for_zones_of(node_at(NodeId(i)), visit);
}

}  // namespace ashlar::page
