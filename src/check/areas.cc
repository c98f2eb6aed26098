// check: from an address to its area, by three levels of tables that are made where they are needed.
#include "check/areas.h"

#include "base/hints.h"

namespace ashlar::check {

namespace {

constexpr unsigned kTopShift = 32, kMiddleShift = 21;
constexpr std::size_t kTop = std::size_t{1} << (kAddressBits - kTopShift);
constexpr std::size_t kMiddle = std::size_t{1} << (kTopShift - kMiddleShift);
constexpr std::size_t kPages = std::size_t{1} << (kMiddleShift - kPageShift);

// Pointers are set once and stay; an area's entry is cleared when it goes. Read without the lock: acquire and release
// publish what they lead to.
struct Leaf {
  std::atomic<Area*> areas[kPages];
};
struct Middle {
  std::atomic<Leaf*> leaves[kMiddle];
};

[[ASHLAR_SPARSE]] constinit std::atomic<Middle*> top[kTop] = {};
constinit Lock<LockRank::kAreaMap> map_lock;  // protects all tables against second writers

template <class T>
T* find_or_make(std::atomic<T*>& entry) {
  T* at = entry.load(std::memory_order_relaxed);  // under the lock
  if (at == nullptr) {
    at = static_cast<T*>(page::metadata_alloc(sizeof(T), alignof(T)));
    entry.store(at, std::memory_order_release);  // pairs with the acquire in leaf_of
  }
  return at;
}

Leaf* leaf_of(std::uintptr_t address) {
  if (address >> kAddressBits != 0) return nullptr;
  const Middle* const middle = top[address >> kTopShift].load(std::memory_order_acquire);
  if (middle == nullptr) return nullptr;
  return middle->leaves[address >> kMiddleShift & (kMiddle - 1)].load(std::memory_order_acquire);
}

Leaf* make_leaf(std::uintptr_t address) {
  Middle* const middle = find_or_make(top[address >> kTopShift]);
  return middle == nullptr ? nullptr : find_or_make(middle->leaves[address >> kMiddleShift & (kMiddle - 1)]);
}

std::size_t page_in_leaf(std::uintptr_t address) { return address >> kPageShift & (kPages - 1); }

}  // namespace

Area* area_at(std::uintptr_t address) {
  const Leaf* const leaf = leaf_of(address);
  return leaf == nullptr ? nullptr : leaf->areas[page_in_leaf(address)].load(std::memory_order_acquire);
}

bool set_area(std::uintptr_t start, std::size_t bytes, Area* area) {
  const Guard guard(map_lock);
  for (std::uintptr_t at = round_down(start, kPageBytes); at < start + bytes; at += kPageBytes) {
    Leaf* const leaf = make_leaf(at);
    if (leaf == nullptr) return false;
    leaf->areas[page_in_leaf(at)].store(area, std::memory_order_release);  // pairs with the acquire in area_at
  }
  return true;
}

void lock_areas_for_fork() { map_lock.lock_beside_same_rank(); }
void unlock_areas_in_parent() { map_lock.unlock(); }
void reset_areas_in_child() { map_lock.reset(); }

}  // namespace ashlar::check
