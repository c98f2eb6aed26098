// page: swap areas, the kernel's swap_info_struct: a sparse file that backs the arenas of a zone of its own, for what
// the nodes' zones may not have (docs/design/swap.md).
//
//   alloc_run, alloc_slab_pages ──► zones of the nodes ──► zones of swap areas, by falling priority
//
// Locking: one lock for swap_on and swap_off, of rank kGrowth, which fork takes too. An area stays for the life of the
// process, on or off.
//
// Defined in swap.cc, swap_fork.cc and pages.cc.
#pragma once

#include <atomic>

#include "page/page.h"

namespace ashlar::page {

inline constexpr unsigned kMaxSwapAreas = 32;          // like the kernel's MAX_SWAPFILES
inline constexpr PageCount kMaxSwapRun{65536};         // 256 MiB, an arena
inline constexpr std::size_t kMaxSwapBytes = 256_GiB;  // of an area
inline constexpr std::size_t kMaxSwapPath = 3071;      // bytes of a path
inline constexpr int kMaxSwapPriority = 32767, kNoSwapPriority = -1;

// Apart from the areas (swap_area.h), of which most processes have none.
struct SwapTable {
  std::atomic<unsigned> on{0};  // areas that are on. Relaxed: a hint; an area's own state says it
  // Areas that were made. Release in swap_on, acquire in for_swap_areas: a thread that sees the number sees the areas.
  std::atomic<unsigned> count{0};
  Lock<LockRank::kGrowth> lock;
};
extern SwapTable swap_table;
inline bool swap_is_on() { return swap_table.on.load(std::memory_order_relaxed) != 0; }

// Makes an area of `bytes`, rounded up to 2 MiB, at a path (os::make_swap_file). Areas of a higher priority are used
// first, and of the same one those that were made first. 0, or an errno: EPERM for more than kMaxSwapAreas, EINVAL for
// sizes, priorities and paths that cannot be, EBUSY for the path of an area that is on, ENOMEM without address space or
// memory for descriptors.
int swap_on(const char* path, std::size_t bytes, int priority, os::SwapFileKind kind);

// Ends an area: 0, or an errno: EINVAL if no area of that path is on, EBUSY while a block lies in it.
int swap_off(const char* path);

struct SwapInfo {
  const char* path = nullptr;  // stays
  std::size_t bytes = 0, used = 0;
  std::size_t backed = 0;  // of the file, that may take room on the disk: in use, or free and not purged yet
  int priority = 0;
};
// Of the n-th area that is on, from 0; false if there are no more.
bool swap_info(unsigned n, SwapInfo& info);

// A run from a swap area, and from nowhere else: of up to kMaxSwapRun, at most aligned as alloc_run's.
Run alloc_swap_run(PageCount count, std::size_t alignment);

// Around fork: the child gets areas of its own, with what its parent's held. Called with all locks of the layer held,
// or by a thread that interrupted itself.
void copy_swap_for_fork();
void end_swap_copies_in_parent();
void take_swap_copies_in_child();

}  // namespace ashlar::page
