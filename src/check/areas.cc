// check: from an address to its area, by three levels of tables that are made where they are needed.
#include "check/areas.h"

#include "base/hints.h"

namespace ashlar::check {

[[ASHLAR_SPARSE]] constinit std::atomic<AreaMiddle*> area_top[kAreaTop] = {};

namespace {

constinit Lock<LockRank::kAreaMap> map_lock;  // protects all tables against second writers

template <class T>
T* find_or_make(std::atomic<T*>& entry) ASHLAR_REQUIRES(map_lock) {
  T* at = entry.load(std::memory_order_relaxed);  // under the lock
  if (at == nullptr) {
    at = static_cast<T*>(page::metadata_alloc(sizeof(T), alignof(T)));
    entry.store(at, std::memory_order_release);  // pairs with the acquire in area_at
  }
  return at;
}

AreaLeaf* make_leaf(std::uintptr_t address) ASHLAR_REQUIRES(map_lock) {
  AreaMiddle* const middle = find_or_make(area_top[address >> kTopShift]);
  return middle == nullptr ? nullptr : find_or_make(middle->leaves[(address >> kMiddleShift) % kAreaMiddle]);
}

}  // namespace

bool set_area(std::uintptr_t start, std::size_t bytes, Area* area) {
  const Guard guard(map_lock);
  for (std::uintptr_t at = round_down(start, kPageBytes); at < start + bytes; at += kPageBytes) {
    AreaLeaf* const leaf = make_leaf(at);
    if (leaf == nullptr) return false;
    leaf->areas[(at >> kPageShift) % kAreaLeaf].store(area,
                                                      std::memory_order_release);  // pairs with the acquire in area_at
  }
  return true;
}

void lock_areas_for_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { map_lock.lock_beside_same_rank(); }
void unlock_areas_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { map_lock.unlock(); }
void reset_areas_in_child() { map_lock.reset(); }

}  // namespace ashlar::check
