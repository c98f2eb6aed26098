// page: the Huge zone of a node, for memory in transparent huge pages: a fault brings 2 MiB at once, and they cost one
// TLB entry. A heap that is large already fills such a unit soon, so there slabs and runs come from the Huge zone first
// (hugepages=dense), and from Normal where it has none.
//
//   unit ── 2 MiB, aligned ──┬─ clean: wholly untouched or purged, in a block of at least 2 MiB
//                            └─ in use: all its free pages are dirty, since the first touch of any made them resident
//
// So units in use are filled before another is begun, as dirty blocks serve first. A freed run joins the buddy's blocks
// at once instead of staying an extent: what counts here is that whole units become free.
//
// A unit is given back whole. kswapd and the steps of other threads divide one only for a quarter of it or more (the
// subrelease of tcmalloc's Temeraire, by what is free in one piece); what trims the heap or runs into a limit takes all
// that is free. The rest of a divided unit is kept from khugepaged, which would fill the holes again.
//
// Locking: as of any zone. A node's Huge zone is made under the growth lock of its Normal zone, which fork holds.
#include <new>

#include "base/hints.h"
#include "page/nodes.h"
#include "page/reclaim.h"
#include "page/zone.h"

namespace ashlar::page {

namespace {

constexpr PageCount kHugeFrom = PageCount::floor(32_MiB);  // in use, from which on a heap is large
constexpr std::uint32_t kUnit = static_cast<std::uint32_t>(kHugeOrder.pages().raw);

Zone* make_huge_zone(Node& node) {
  const Guard guard(node.normal.growth);
  // relaxed: written under the lock
  if (Zone* const made = node.huge.load(std::memory_order_relaxed)) return made;
  void* const place = metadata_alloc(sizeof(Zone), alignof(Zone));
  if (place == nullptr) return nullptr;
  Zone* const zone = new (place) Zone;
  zone->become_huge(node.normal);
  node.huge.store(zone, std::memory_order_release);  // pairs with the acquire in for_zones and huge_zone
  return zone;
}

}  // namespace

[[ASHLAR_SELDOM_RUN]] Zone* huge_zone(Node& node) {
  Zone* const zone = node.huge.load(std::memory_order_acquire);
  return zone != nullptr || live_hint() < kHugeFrom ? zone : make_huge_zone(node);
}

void Zone::become_huge(const Zone& normal) {
  huge = true;
  node_ = normal.node_;
  bound_ = normal.bound_;
}

// The units of a block that is about to be used: what a fault may bring with the first touched page counts as resident.
[[ASHLAR_SELDOM_RUN]] void Zone::begin_units(Page* block) {
  Arena& arena = arena_of(block);
  if (arena.pinned) return;
  const auto pages = static_cast<std::uint32_t>(block->order.pages().raw);
  const PageIndex first = arena.index_of(block);
  for (PageIndex unit = first; unit < first + pages; unit += kUnit) {
    if (arena.count_dirty(unit, kUnit) != 0) continue;
    arena.set_dirty(unit, kUnit, true);
    begun_ += kUnit;
  }
  block->free_block.dirty_pages = static_cast<std::uint16_t>(arena.count_dirty(first, pages));
}

// After a purge of pages that lie in one unit, or are whole units.
[[ASHLAR_SELDOM_RUN]] void Zone::note_divided(std::uintptr_t start, std::size_t bytes) const {
  const std::uintptr_t unit = round_down(start, os::kHugeBytes);
  if (bytes >= os::kHugeBytes) os::advise_huge(reinterpret_cast<void*>(start), bytes);
  else os::avoid_huge(reinterpret_cast<void*>(unit), os::kHugeBytes);
}

}  // namespace ashlar::page
