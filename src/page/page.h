// page: sections, page descriptors, arenas, zones and nodes: the buddy allocator, and reclaim. Above it, slabs and
// large blocks take whole pages; below it is os alone. This header is all that other layers see.
//
//   address ──► section (4 GiB of address space) ──► class and order byte of the page, and its descriptor
//   node ──► zone ──► free areas (per order: clean and dirty) over arenas (32 MiB of address space and more)
//
// Locking: each zone has one lock (LockRank::kZone); no function here may be called with it held. The maps of a
// section are written for pages that the caller owns, and read without a lock (see class_of).
//
// Defined in arena.cc, cold.cc, kswapd.cc, pages.cc, reclaim.cc, section.cc, watch.cc and validate_page.cc.
#pragma once

#include <atomic>

#include "os/os.h"
#include "page/descriptor.h"
#include "page/feedback.h"
#include "page/nodes.h"
#include "page/section.h"

namespace ashlar::page {

// The largest block of the buddy: 32 MiB.
inline constexpr Order kMaxOrder{13};
inline constexpr PageCount kMaxRun = kMaxOrder.pages();

// The strongest alignment that alloc_run gives: arenas start at multiples of it.
inline constexpr std::size_t kArenaAlign = 2_MiB;

// What a zone holds, in pages. A snapshot taken under the zone's lock: the figures fit each other.
struct ZoneCounts {
  PageCount present;     // in arenas
  PageCount free;        // in free areas
  PageCount dirty_free;  // of these, those that may still be resident
  PageCount max_live;    // the most that was in use at once
  std::uint64_t arenas = 0;
  std::uint64_t free_blocks = 0;
  std::uint64_t purged_pages = 0;  // since the start
  std::size_t metadata_bytes = 0;  // mapped for Ashlar's own structures, resident or not
  [[nodiscard]] PageCount live() const { return present - free; }
};

// Where memory may come from: the node and then the others by distance, or the node alone (the kernel's
// __GFP_THISNODE).
enum class Fallback : std::uint8_t { kZonelist, kThisNode };

// Takes 2^order pages for a slab; null when there is no memory. The contents are unspecified.
Page* alloc_slab_pages(Node& node, Order order, Fallback fallback = Fallback::kZonelist);

// Frees them. The first `touched` pages were written to since; the others are as they were.
void free_slab_pages(Page* slab, PageCount touched);

// A run of any number of pages (the kernel's alloc_pages_exact).
struct Run {
  PageId first;
  PageCount count;
  bool zeroed = false;            // all bytes are known to be zero
  bool from_alloc_pages = false;  // see alloc_pages.h
  bool owned = false;             // see owned_run.h
  explicit operator bool() const { return count.raw != 0; }
};

// Takes `count` pages, at most kMaxRun, at a multiple of `alignment` bytes, a power of two up to kArenaAlign; an
// empty Run when there is no memory.
Run alloc_run(Node& node, PageCount count, std::size_t alignment, Fallback fallback = Fallback::kZonelist);

// The same for a run that grows: prefers resident pages that are followed by as many that are free and resident.
Run alloc_growing_run(Node& node, PageCount count);

// The descriptor of the run that starts at a page, or null. `first` may be any page number.
inline Page* run_head(PageId first) {
  Page* const page = descriptor_of(first);
  if (page == nullptr) return nullptr;
  // relaxed: the program orders a block's allocation and its use; for a stray pointer any answer will do
  return std::atomic_ref(page->state).load(std::memory_order_relaxed) == PageState::kRun ? page : nullptr;
}

// The length of what may be a run, by its descriptor. Relaxed: lists cut and join runs at hand without the zone's lock,
// and what walks over an arena may see either length.
inline std::uint32_t run_pages(Page* page) { return std::atomic_ref(page->run.pages).load(std::memory_order_relaxed); }
inline void set_run_pages(Page* page, std::uint32_t pages) {
  std::atomic_ref(page->run.pages).store(pages, std::memory_order_relaxed);
}

// Returns the run that starts at a page, or an empty Run. `first` may be any page number.
inline Run find_run(PageId first) {
  Page* const page = run_head(first);
  if (page == nullptr) return {};
  return {first, PageCount(run_pages(page)), false, page->run.from_alloc_pages,
          std::atomic_ref(page->run.owned).load(std::memory_order_relaxed)};
}
// Returns the run that contains a page. It searches, so it is for messages.
[[gnu::cold]] Run find_run_around(PageId page);

// Marks a run as cold: its user will seldom need it. Advises the kernel of the marked runs that are idle by now (the
// option cold, cold.h).
void note_cold_run(const Run& run);

// Frees the run that starts at a page. Returns false if none does.
bool free_run(PageId first);

// Changes a run's length where it stands. Shrinking always works. Growing works when the pages that follow are free,
// and is refused where they would have to be faulted in and moving the run to resident ones costs less.
bool resize_run(PageId first, PageCount count);

// --- Watching free pages, for a layer above that wants to notice writes to memory that nobody owns. This layer itself
// never looks into pages.

struct Watcher {
  // Whether the watched page is as it was left, or zero. Called with the lock of its zone or list held, so it may do
  // nothing but look.
  bool (*intact)(PageId page) = nullptr;
  // Hears of one that is not, with no lock held.
  void (*damaged)(PageId page) = nullptr;
};
void set_watcher(const Watcher& watcher);  // which must stay

// As free_run, and the run's first page is watched from then on, being one of the last few of its zone. `zero` is asked
// whether the page before the run is all zero at its end, if that page is free and known to be: when it says no,
// nothing is freed. It is called with the zone's lock held, too.
enum class RunEnd : std::uint8_t { kDone, kNone, kRefused };
RunEnd free_watched_run(PageId first, bool (*zero)(PageId page));

// Looks at all watched pages now.
void check_watched();

// The address of a slab's first byte.
std::uintptr_t page_address(const Page* page);

// What all zones hold together (max_live: the sum of what each held at most), and what one node's does.
[[gnu::cold]] ZoneCounts counts();
[[gnu::cold]] ZoneCounts counts(NodeId node);

// True when `wanted` more pages would take the heap above the memory cgroup's limit; the caller fails with ENOMEM.
bool over_memory_limit(PageCount wanted);

// Live pages held outside of zones (large blocks with a mapping of their own): they count for the cgroup limit.
void account_outside(PageCount added, PageCount removed);

// --- Reclaim -------------------------------------------------------------------------------------------------------

// What threads that pass by look at. Relaxed: hints, which publish nothing.
struct Signals {
  // Rises whenever the heap has shrunk to half of its height, or memory is short. A layer that caches free objects
  // compares it with the value that it saw last, and returns what it caches when they differ.
  std::atomic<std::uint32_t> shrink_epoch{0};
  // How short memory was when that was read last. kswapd reads it before each round, else a tick of reclaim does.
  std::atomic<os::Pressure> pressure{os::Pressure::kNone};
  std::atomic<bool> step_is_due{false};               // a thread that comes along should do a step of purging
  std::atomic<bool> cold_is_noted{false};             // a run was noted as cold, so that there may be something to tell
  std::atomic<void (*)()> look_at_pressure{nullptr};  // what watch_pressure was given
};
extern constinit Signals signals;

// The pages in use, without a lock: a hint, and perhaps a moment old.
PageCount live_hint();

// True when less than half of the most that was ever in use is in use; a hint as well.
bool far_below_peak();

// Raises signals.shrink_epoch, so that all threads return what they cache.
void request_shrink();

// Registers what kswapd calls, with no lock held, for a layer above to return what it has not used for a while. The
// function returns whether more is left that it may return later.
void register_reaper(bool (*reap)());

// Has kswapd call `within(work)` for what takes runs and objects out of their lists: reapers, and the per-cpu lists
// of pages. It calls work, with no lock held, when no fork is under way that would lose them in the child, and returns
// what that returned.
void set_helper_gate(bool (*within)(bool (*work)()));

// True while kswapd runs, which calls the reapers: a hint.
bool has_helper();

// Called when a layer above has more than before that its reaper could return.
void note_cached();

// Purges all free pages that are still resident, and requests a shrink. True if any page was purged.
bool reclaim_all();

// Whether each page that was purged reads as zero. Never again once pages may have been purged by MADV_FREE.
bool purged_is_zero();
void choose_purge(PurgeMode mode);

// Has threads that allocate call this now and then, with no lock held, and has the pressure read however little could
// be purged. For good.
void watch_pressure(void (*look)());

// Of what a rule allows, pages or milliseconds, what it allows now: a quarter where some wait for memory, nothing
// where all do.
template <class T>
[[gnu::always_inline]] inline T under_pressure(T allowed) {
  const os::Pressure now = signals.pressure.load(std::memory_order_relaxed);
  return now == os::Pressure::kNone ? allowed : now == os::Pressure::kSome ? allowed / 4 : T();
}

inline bool reclaim_is_due() { return signals.step_is_due.load(std::memory_order_relaxed); }

// A small step of purging, with no lock held: at most some 100 us of system calls. Once a call of the interface.
void reclaim_step();

// Called now and then by threads on their slow paths, with no lock held: a step of purging what is too old. False if
// it is not the time, or kswapd's work.
bool reclaim_tick();

// Called now and then by threads that allocate, never by one that frees: glibc frees with its lock of thread stacks
// held, which starting a thread takes. Starts kswapd where that is due.
void wake_kswapd_if_due();

// The number of threads with a heap: kswapd runs only beside other threads.
void note_threads(std::size_t n);

// Waits for some time at most until kswapd has ended, if it is to end. The last thread but one calls it before it ends,
// so that the process has one thread when it was joined. No lock may be held.
void await_kswapd_end();

// True while more than one thread has a heap: a hint.
bool threaded();

// Unmaps address space that was reserved for arenas to come; true if there was any.
bool release_reservation();

// True when no page of an arena is missing, as it may be in a forked child (MADV_DONTFORK).
[[nodiscard]] bool arenas_are_whole();

// The first rule that does not hold, of zones, arenas, section tables and per-cpu lists. Takes each zone's lock.
[[nodiscard, gnu::cold]] Broken validate();

// --- Fork ----------------------------------------------------------------------------------------------------------

void lock_for_fork();
void unlock_in_parent();
void reset_in_child();

// Memory for Ashlar's own structures: zero-filled, never freed, apart from all user memory; null when there is
// none. Thread-safe.
void* metadata_alloc(std::size_t bytes, std::size_t alignment);

}  // namespace ashlar::page
