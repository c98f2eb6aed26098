// check: from an address to its region, by three levels of tables that are made where they are needed.
#include "check/regions.h"

#include "base/hints.h"

namespace ashlar::check {

[[ASHLAR_SPARSE]] constinit RegionMap region_map;

namespace {

template <class T>
T* find_or_make(std::atomic<T*>& entry) ASHLAR_REQUIRES(region_map.lock) {
  T* at = entry.load(std::memory_order_relaxed);  // under the lock
  if (at == nullptr) {
    at = static_cast<T*>(page::metadata_alloc(sizeof(T), alignof(T)));
    entry.store(at, std::memory_order_release);  // pairs with the acquire in region_at
  }
  return at;
}

RegionLeaf* make_leaf(std::uintptr_t address) ASHLAR_REQUIRES(region_map.lock) {
  RegionMiddle* const middle = find_or_make(region_map.top[address >> kTopShift]);
  return middle == nullptr ? nullptr : find_or_make(middle->leaves[(address >> kMiddleShift) % kRegionMiddle]);
}

}  // namespace

bool set_region(std::uintptr_t start, std::size_t bytes, Region* region) {
  const Guard guard(region_map.lock);
  for (std::uintptr_t at = round_down(start, kPageBytes); at < start + bytes; at += kPageBytes) {
    RegionLeaf* const leaf = make_leaf(at);
    if (leaf == nullptr) return false;
    leaf->regions[(at >> kPageShift) % kRegionLeaf].store(
        region,
        std::memory_order_release);  // pairs with the acquire in region_at
  }
  return true;
}

void lock_regions_for_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { region_map.lock.lock_beside_same_rank(); }
void unlock_regions_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { region_map.lock.unlock(); }
void reset_regions_in_child() { region_map.lock.reset(); }

}  // namespace ashlar::check
