// page, private: the per-cpu lists of pages (the kernel's pcplists): runs that were freed on a processor a moment ago,
// at hand there without the zone's lock.
//
//   processor ──► PerCpuPages ──► RunList   up to 32 runs of which shorter ones are cut; state kPcp, all pages resident
//
// A list learns what to keep: it takes a run in when runs of its length or shorter ones were missed twice among the
// last eight misses. A program that asks for few runs is served by the zone alone, so its memory and its checks are as
// without lists.
//
// Locking: each list has a lock (LockRank::kPcp), which everybody but fork only tries: a thread that was moved to
// another processor in between finds it held and goes to the zone. No other lock is taken while it is held.
#pragma once

#include <atomic>

#include "page/page.h"

namespace ashlar::page {

// The longest run that lists keep: 1 MiB. What is longer costs more to write than to find.
inline constexpr PageCount kPcpLongest{256};

// Whether lists may have a run of so many pages.
constexpr bool pcp_may_hold(PageCount count, std::size_t alignment) {
  return count <= kPcpLongest && alignment <= kPageBytes;
}

// By processor; processors beyond share lists. Release, acquire: a thread that sees a list sees it made.
struct PerCpuPages;
inline constexpr unsigned kPcpLists = 256;
extern std::atomic<PerCpuPages*> pcp_lists[kPcpLists];

// Apart from the table, whose pages a process without lists does not touch. Relaxed, hints all of it.
struct Pcp {
  std::atomic<unsigned> made{0};          // lists: what one may hold follows from it
  std::atomic<unsigned> misses{0};        // before there are lists: about so many is enough
  std::atomic<std::uint32_t> time_ms{0};  // as of the last tick
};
extern Pcp pcp;

// Takes a run of `count` pages of the node from the list of this processor; an empty Run if none there
// serves, which the list remembers. `damaged` is set to a watched page of it that was written to while it was free.
Run pcp_take(PageCount count, NodeId node, PageId& damaged);

// Puts a run, by its descriptor and first page, into the list of this processor. kNone if the run is not live any more,
// kRefused if the list does not want it: then it is as before. Runs that give way to it go to their zones.
RunEnd pcp_put(Page* page, PageId first);

// Returns runs to their zones, of lists that are not in use just now: those put in before `before_ms` (by the low bits
// of os::now_ms), or all of them.
void pcp_drain_older(std::uint32_t before_ms);
void pcp_drain();

// A watched page of a run in a list that was written to meanwhile, or 0; lists in use just now are left out.
PageId pcp_find_damaged();

// The pages in all lists: exact while no thread frees or allocates runs.
PageCount pcp_pages();
PageCount pcp_pages(NodeId node);

// Tells the lists the time, and returns what was put in longer than decay_ms ago: called by who looks for old pages.
// True if runs are left.
bool pcp_age();

// The first rule of a list that does not hold; lists in use just now are left out.
[[nodiscard, gnu::cold]] Broken validate_pcp();

void lock_pcp_for_fork();
void unlock_pcp_in_parent();
void reset_pcp_in_child();

}  // namespace ashlar::page
