// page: memory from the reserved pool of huge pages, see the header.
#include "page/hugetlb.h"

#include "base/hints.h"
#include "os/huge_pool.h"
#include "page/zone.h"

namespace ashlar::page {

// in .data, on a page that the dynamic linker writes anyway: fork looks here
[[gnu::section(".data")]] constinit PoolUse pool_use;

namespace {

constexpr std::size_t kMaxMappings = 1024;
constexpr std::uintptr_t kBusy = 1;  // the start of an entry that is being filled

[[ASHLAR_SPARSE]] constinit PoolMapping mappings[kMaxMappings];

// For a while after a fork the child copies the pages, and what was given up must stay free. How long that takes is not
// known here. Relaxed: a hint.
constexpr std::uint64_t kCopyMs = 10000;
constinit std::atomic<std::uint64_t> forked_ms{0};
bool has_forked_lately() {
  const std::uint64_t forked = forked_ms.load(std::memory_order_relaxed);
  return forked != 0 && os::now_ms() - forked < kCopyMs;
}

std::uintptr_t address_of(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

template <class Visit>
void for_mappings(Visit visit) {
  for (PoolMapping& mapping : mappings) {
    // acquire: pairs with the release in take_from_pool
    if (mapping.start.load(std::memory_order_acquire) > kBusy) visit(mapping);
  }
}

PoolMapping* claim_entry() {
  for (PoolMapping& mapping : mappings) {
    std::uintptr_t unused = 0;
    if (mapping.start.compare_exchange_strong(unused, kBusy, std::memory_order_acquire)) return &mapping;
  }
  return nullptr;
}

void unmap_spare(PoolMapping& mapping) {
  const std::uintptr_t spare = mapping.spare.exchange(0, std::memory_order_relaxed);
  if (spare != 0) os::unmap(reinterpret_cast<void*>(spare), mapping.bytes);
}

// Sets pages aside again for a mapping whose spare ones were given up. False where the pool has too few.
bool restore_spare(PoolMapping& mapping) {
  if (mapping.spare.load(std::memory_order_relaxed) != 0) return true;
  void* const spare = os::set_aside_in_pool(mapping.bytes, mapping.page);
  if (spare == nullptr) return false;
  std::uintptr_t none = 0;
  if (!mapping.spare.compare_exchange_strong(none, address_of(spare), std::memory_order_relaxed))
    os::unmap(spare, mapping.bytes);  // another thread was first
  return true;
}

bool restore_spare_pages() {
  if (has_forked_lately()) return false;
  bool all = true;
  if (uses_pool()) for_mappings([&](PoolMapping& mapping) { all = all && restore_spare(mapping); });
  return all;
}

bool map_with_spare(PoolMapping& mapping, std::size_t bytes, std::size_t page, void*& start) {
  if (bytes % page != 0) return false;
  start = os::map_from_pool(bytes, page);
  if (start == nullptr) return false;
  void* const spare = os::set_aside_in_pool(bytes, page);
  if (spare == nullptr) {
    os::unmap(start, bytes);
    return false;
  }
  mapping.spare.store(address_of(spare), std::memory_order_relaxed);
  mapping.bytes = bytes;
  mapping.page = page;
  return true;
}

void tell_once(std::string_view line) {
  static constinit std::atomic<bool> told{false};
  if (!told.exchange(true, std::memory_order_relaxed)) os::say(line);
}

}  // namespace

[[ASHLAR_SELDOM_RUN]] void* take_from_pool(std::size_t bytes, int node) {
  ASHLAR_ASSERT(bytes % os::kHugeBytes == 0 && bytes != 0, "memory of the pool is made of whole huge pages");
  PoolMapping* const mapping = restore_spare_pages() ? claim_entry() : nullptr;
  if (mapping == nullptr) return nullptr;
  void* start = nullptr;
  const bool large = options.hugepages == HugePages::kReserved1g && map_with_spare(*mapping, bytes, 1_GiB, start);
  if (large || map_with_spare(*mapping, bytes, os::kHugeBytes, start)) {
    if (node >= 0) os::prefer_node(start, bytes, node);
    if (os::fill_from_pool(start, bytes)) {
      pool_use.bytes.fetch_add(bytes, std::memory_order_relaxed);
      mapping->start.store(address_of(start), std::memory_order_release);
      return start;
    }
    os::unmap(start, bytes);
    unmap_spare(*mapping);
  }
  mapping->start.store(0, std::memory_order_release);
  return nullptr;
}

[[ASHLAR_SELDOM_RUN]] bool return_to_pool(void* start) {
  bool found = false;
  if (!uses_pool()) return found;
  for_mappings([&](PoolMapping& mapping) {
    if (mapping.start.load(std::memory_order_relaxed) != address_of(start)) return;
    found = true;
    mapping.start.store(kBusy, std::memory_order_relaxed);
    os::unmap(start, mapping.bytes);
    unmap_spare(mapping);
    pool_use.bytes.fetch_sub(mapping.bytes, std::memory_order_relaxed);
    mapping.start.store(0, std::memory_order_release);
  });
  return found;
}

// After an earlier fork the spare pages were perhaps not set aside again. What the pool has free now serves as well.
[[gnu::cold]] void unmap_spare_pages() {
  const bool enough = has_forked_lately() || restore_spare_pages();
  for_mappings(unmap_spare);
  forked_ms.store(os::now_ms(), std::memory_order_relaxed);
  if (!enough) {
    tell_once(
        "fork: the pool of huge pages has too few free ones for what parent and child share; the child may get SIGBUS; "
        "enlarge vm.nr_hugepages, or set hugepages=dense");
  }
}

namespace {

// Corrects the figure of the zone whose arena left the pool, if it is one.
void note_left(std::uintptr_t start) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  for (unsigned i = 0; i < arena_table.count; ++i) {
    if (arenas[i].base == start) arenas[i].zone->from_pool.fetch_sub(arenas[i].pages, std::memory_order_relaxed);
  }
}

}  // namespace

[[gnu::cold]] void leave_pool_in_child() {
  forked_ms.store(0, std::memory_order_relaxed);
  bool all = true;
  for_mappings([&](PoolMapping& mapping) {
    const std::uintptr_t start = mapping.start.load(std::memory_order_relaxed);
    if (!os::leave_pool(reinterpret_cast<void*>(start), mapping.bytes)) {
      all = false;
      return;
    }
    note_left(start);
    pool_use.bytes.fetch_sub(mapping.bytes, std::memory_order_relaxed);
    mapping.start.store(0, std::memory_order_relaxed);
  });
  if (!all) {
    tell_once(
        "fork: no memory for the child's copy of its parent's huge pages, which they go on sharing; the child may get "
        "SIGBUS; set hugepages=dense");
  }
}

}  // namespace ashlar::page
