// page, private: arenas and zones.
//
// An arena is a stretch of committed address space with a descriptor and a "dirty" bit for each page. A page is dirty
// when it may be resident (it was handed out and perhaps touched), and clean when it reads as zero and costs nothing:
// never touched, or purged. The bits stay while a page is in use, so that of a slab freed half-carved only the
// touched part counts as dirty.
//
// Free blocks of both kinds merge with each other; a block is listed as dirty when any page of it is. Figures stay
// exact, since they come from the bits.
//
// What is not in zone.cc is defined in huge.cc, nodes.cc, purge.cc, reclaim.cc and section.cc.
#pragma once

#include <cstdint>

#include "page/budget.h"
#include "page/extents.h"
#include "page/feedback.h"
#include "page/page.h"
#include "page/watch.h"

namespace ashlar {
struct RootLayout;  // stats/root.cc: where a reader from outside finds what
}

namespace ashlar::page {

struct Arena {
  std::uintptr_t base = 0;
  std::uint32_t pages = 0;
  NodeId node;
  Zone* zone = nullptr;
  Page* descriptors = nullptr;
  std::uint64_t* dirty = nullptr;  // a bit a page, under the zone's lock

  [[nodiscard]] std::uint32_t index_of(const Page* page) const {
    return static_cast<std::uint32_t>(page - descriptors);
  }
  [[nodiscard]] std::uintptr_t address_of(std::uint32_t index) const {
    return base + (std::uintptr_t{index} << kPageShift);
  }
  [[nodiscard]] std::uint32_t count_dirty(std::uint32_t first, std::uint32_t count) const;
  void set_dirty(std::uint32_t first, std::uint32_t count, bool value);
  // The first index in [from, end) whose bit is `value`, or end.
  [[nodiscard]] std::uint32_t find(std::uint32_t from, std::uint32_t end, bool value) const;
};

inline constexpr std::uint16_t kMaxArenas = 4096;  // the later ones are larger: 1 TiB in all
extern Arena arenas[kMaxArenas];
extern std::uint16_t arena_count;  // of all zones, under the arenas' lock (arena.cc)

inline Arena& arena_of(const Page* page) { return arenas[page->arena]; }

// The arenas in the table, of all zones. Takes the arenas' lock.
std::uint16_t count_arenas();

// The arena that holds any page, or null.
const Arena* arena_around(PageId page);

class Zone {
  friend struct ashlar::RootLayout;
  friend class ZoneCheck;  // validate.cc

 public:
  Lock<LockRank::kZone> lock;

  // All below: under the lock, but for the functions that say otherwise.

  // Takes a block of an order, growing the zone when none is free; null without memory.
  Page* take(Order order);
  // Takes `count` pages, at most a block of the order, at a multiple of `alignment` pages; null without memory.
  Page* take_exact(std::uint32_t count, std::uint32_t alignment);
  // Takes the free pages [first, first + count) of an arena; false, and nothing changed, if not all are free.
  bool take_range(Arena& arena, std::uint32_t first, std::uint32_t count);
  // Gives pages back to the buddy, whatever their alignment.
  void give(Arena& arena, std::uint32_t first, std::uint32_t count);
  // Gives a run's pages back, all of which may be resident; and those that are free since `age_ms`, at a time `now_ms`.
  void give_run(Arena& arena, std::uint32_t first, std::uint32_t count);
  void give_run(Arena& arena, std::uint32_t first, std::uint32_t count, std::uint64_t now_ms, std::uint32_t age_ms);

  // True when the page before one is free and known to read as zero.
  [[nodiscard]] bool clean_before(Arena& arena, std::uint32_t index);

  // The first rule that does not hold, of free areas, extents, isolated blocks, the rest, dirty bits and counts, and of
  // the zone's arenas. The time grows with the blocks.
  [[nodiscard, gnu::cold]] Broken validate() const;

  Watch watch;

  [[nodiscard]] PageCount live() const { return PageCount(present_ - free_ - isolated_pages_); }
  [[nodiscard]] std::size_t dirty_free() const { return dirty_free_; }
  void fill(ZoneCounts& counts) const;

  // Purges free pages until at most `target` are dirty, the oldest first, and only those older than min_age_ms. Takes
  // the lock itself and drops it around the system calls. Returns the pages that were given back.
  std::size_t purge(std::size_t target, std::uint64_t min_age_ms, Budget& budget);
  std::size_t purge(std::size_t target, std::uint64_t min_age_ms);

  // The same above the high watermark: down to three quarters of it.
  std::size_t purge_excess(Budget& budget);

  // Called after pages came back, without the lock: has somebody purge if too many stay.
  void balance();

  // kswapd's part of a round: the pages that were purged. And when it ends.
  std::size_t age();
  void leave_alone();

  // These take the lock themselves, too. Whether a purge could give anything back; after how long pages are old.
  [[nodiscard]] bool has_purgeable();
  [[nodiscard]] std::uint64_t old_after_ms();

  // In the child of a fork: what another thread was purging is free again.
  [[gnu::cold]] void take_back_isolated();

  // Gives address space that is in no arena back.
  void release_reservation();
  [[nodiscard]] bool has_reservation() const { return reserved_ != reserved_end_; }

  // After pages were taken, these included.
  void note_growing(const Page* first, std::uint32_t count);

  // What other threads may read without the lock: hints, and perhaps a moment old.
  [[nodiscard]] std::size_t live_hint() const { return live_hint_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t max_live_hint() const { return max_live_hint_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t dirty_hint() const { return dirty_hint_.load(std::memory_order_relaxed); }

  // Makes it the zone of a node; `number` is the kernel's, whose memory its arenas get from then on, or -1. Takes the
  // lock itself.
  [[gnu::cold]] void settle_on(NodeId node, int number);

 private:
  // Free pages above the high watermark.
  enum class Excess : std::uint8_t { kNone, kSome, kFar };

  struct FreeArea {
    List<Page> clean, dirty;
  };

  bool grow(std::uint32_t pages);
  bool extend();
  bool populate(Page* clean);
  void give_rest();
  Page* take_from_rest(std::uint32_t count, std::uint32_t alignment);
  Page* take_from_extents(std::uint32_t count, std::uint32_t alignment);
  Page* take_joined(std::uint32_t count);
  void add_extent(Arena& arena, std::uint32_t first, std::uint32_t count, std::uint32_t age_ms);
  std::uint32_t remove_extent(Page* extent);
  std::size_t purge_pages(Arena& arena, std::uint32_t first, std::uint32_t count, std::uint32_t age_ms);
  std::size_t purge_extent(Page* extent, std::size_t target, const Budget& budget);
  std::size_t purge_block(Page* block, const Budget& budget);
  void purge_descriptors(Page* block);
  void purge_joined_descriptors();
  Page* find_victim(std::uint64_t min_age_ms) const;
  [[nodiscard]] std::size_t next_arena_bytes() const;
  void advise(void* start, std::size_t bytes) const;
  bool reserve(std::size_t bytes);
  bool add_arena(std::uintptr_t base, std::size_t bytes);
  Page* find_dirty(Order order);
  Page* find_clean(Order order);
  Page* cut_out(Page* block, Order to);
  Page* split(Page* block, Order to);
  Page* insert(Arena& arena, std::uint32_t index, Order order, std::uint32_t age_ms);
  void link(Page* block, std::uint32_t dirty, std::uint32_t age_ms);
  void unlink(Page* block);
  Page* free_block_around(Arena& arena, std::uint32_t index);
  void isolate_one(Page* head, PageState state, std::size_t pages);
  void end_isolation(Page* head, std::size_t pages);
  void note_shrinking(std::uint64_t now_ms);
  void bind(std::uintptr_t start, std::size_t bytes) const;

  FreeArea areas_[kMaxOrder.raw + 1];
  Extents extents_;
  List<Page> isolated_;  // off the free areas while the system gives their pages back
  std::size_t isolated_pages_ = 0;
  std::size_t present_ = 0, free_ = 0, dirty_free_ = 0;
  std::size_t max_live_ = 0;
  std::size_t high_ = 0;  // how many dirty free pages may stay, when pages came back last
  Feedback feedback_;
  std::uint64_t purged_ = 0;
  std::uint64_t free_blocks_ = 0;
  std::atomic<std::size_t> live_hint_{0}, max_live_hint_{0}, dirty_hint_{0};
  std::atomic<Excess> excess_{Excess::kNone};
  // The last arena's pages from rest_ to rest_end_ were never in a free area. They enter in pieces that double, so
  // that a small process touches few descriptors; and large blocks are cut off without splitting anything.
  Arena* last_ = nullptr;
  std::uint32_t rest_ = 0, rest_end_ = 0;
  // Of the rest, what was purged into it and may still have descriptors resident. Of no meaning beyond rest_end_.
  std::uint32_t joined_ = 0, joined_end_ = 0;
  std::uintptr_t reserved_start_ = 0, reserved_ = 0, reserved_end_ = 0;  // address space not yet made into arenas
  std::uint32_t huge_skips_ = 0, huge_refused_ = 0;                      // see populate
  std::uint16_t arenas_ = 0;
  NodeId node_;
  std::uint16_t bound_ = 0;  // the kernel's number of the node, plus one; 0: wherever a page is touched first
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

inline constexpr std::size_t kKswapdIdle = 64;  // dirty free pages that are worth no waking of kswapd

extern Zone normal_zone;
extern std::atomic<std::size_t> pages_outside;  // see account_outside

// Calls visit for the zone of each node.
template <class Visit>
void for_zones(Visit visit) {
  for (unsigned i = 0, n = node_count(); i < n; ++i) visit(node_at(NodeId(i)).normal);
}

// What is in use, mappings included, and what may be resident besides: a hint.
Use use_hint();

// Purges free pages of all zones until at most `target` are dirty; the pages given back.
std::size_t purge_all(std::size_t target);

}  // namespace ashlar::page
