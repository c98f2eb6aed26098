// page, private: a swap area and its zone. Defined in swap.cc and swap_fork.cc.
#pragma once

#include "page/swap.h"
#include "page/zone.h"

namespace ashlar::page {

//   base             next                            bytes
//   ├─ arenas ────────┼─ in no arena yet ────────────┤   address space and file, at the same offsets
struct SwapArea {
  Zone zone;
  std::uintptr_t base = 0;
  std::size_t bytes = 0;
  std::size_t next ASHLAR_GUARDED_BY(zone.growth) = 0;
  char* tables = nullptr;  // descriptors and dirty bits of all pages
  os::SwapFile file;       // set while the area is off, or in a child that has one thread
  // What orders the areas that are on, -1 for one that is off. Written under the zone's lock; relaxed elsewhere.
  std::atomic<int> key{-1};
  int priority = 0;
  os::SwapFileKind kind = os::SwapFileKind::kNameless;
  bool lost = false;  // in a child that got no copy: what its parent had there is not mapped
  os::SwapFile copy;  // for the child, while a fork is under way
  char path[kMaxSwapPath + 1] = {};
  char copy_path[kMaxSwapPath + 64] = {};

  [[nodiscard]] bool is_on() const { return key.load(std::memory_order_relaxed) >= 0; }
};

extern SwapArea* swap_areas[kMaxSwapAreas];

void lock_swap_for_fork();
void unlock_swap_in_parent();
void reset_swap_in_child();

template <class Visit>
void for_swap_areas(Visit visit) {
  for (unsigned i = 0, n = swap_table.count.load(std::memory_order_acquire); i < n; ++i) visit(*swap_areas[i]);
}

// Calls visit for the zone of each node and of each swap area.
template <class Visit>
void for_all_zones(Visit visit) {
  for_zones(visit);
  for_swap_areas([&](SwapArea& area) { visit(area.zone); });
}

// The area of a path from the root that is on, or null.
SwapArea* find_swap_area(const char* path) ASHLAR_REQUIRES(swap_table.lock);

// The area with the highest key below `before`, or null.
SwapArea* swap_area_below(int before);

// Calls take for the zones of the areas that are on, until it gives something.
template <class Take>
auto take_from_swap(Take take) {
  decltype(take(normal_zone)) taken{};
  for (int key = INT32_MAX; !taken;) {
    SwapArea* const area = swap_area_below(key);
    if (area == nullptr) break;
    key = area->key.load(std::memory_order_relaxed);
    if (key < 0) break;  // it was switched off just now
    taken = take(area->zone);
  }
  return taken;
}

}  // namespace ashlar::page
