// vmalloc: the table of areas (areas.h).
#include "vmalloc/areas.h"

#include "base/hints.h"
#include "os/sanitizers.h"

namespace ashlar::vmalloc {

[[ASHLAR_SPARSE]] constinit Table table;

namespace {

Area*& bucket_of(std::uintptr_t start) ASHLAR_REQUIRES(table.lock) { return table.buckets[bucket_index(start)]; }

// The link that leads to the area which starts at an address, or null.
Area** find(std::uintptr_t start) ASHLAR_REQUIRES(table.lock) {
  for (Area** link = &bucket_of(start); *link != nullptr; link = &(*link)->next) {
    if ((*link)->start == start) return link;
  }
  return nullptr;
}

void insert(Area* area) ASHLAR_REQUIRES(table.lock) {
  Counts& n = table.counts;
  ASHLAR_ASSERT(table.lock.held(), "the table's lock is held");
  ASHLAR_ASSERT(area->start % kPageBytes == 0 && area->bytes % kPageBytes == 0 && area->bytes != 0,
                "an area is made of whole pages");
  ASHLAR_ASSERT(!area->kept && area->asked <= area->bytes, "an area in use is as long as was asked for at least");
  ASHLAR_ASSERT(find(area->start) == nullptr, "no two areas start at one address");
  os::add_root_region(reinterpret_cast<const void*>(area->start), area->bytes);
  area->next = bucket_of(area->start);
  bucket_of(area->start) = area;
  n.bytes += area->bytes;
  if (++n.areas > n.max_areas) n.max_areas = n.areas;
  if (n.bytes > n.max_bytes) n.max_bytes = n.bytes;
}

}  // namespace

Area* remove(const void* p) {
  const Guard guard(table.lock);
  Area** const link = find(address_of(p));
  if (link == nullptr) return nullptr;
  Area* const area = *link;
  os::remove_root_region(p, area->bytes);
  *link = area->next;
  ASHLAR_ASSERT(table.counts.bytes >= area->bytes && table.counts.areas > 0, "the table counts its areas");
  table.counts.bytes -= area->bytes;
  --table.counts.areas;
  return area;
}

void put_back(Area* area) {
  const Guard guard(table.lock);
  insert(area);
}

void drop(Area* area) {
  const Guard guard(table.lock);
  area->next = table.unused;
  table.unused = area;
}

Area* new_area() {
  {
    const Guard guard(table.lock);
    if (Area* const area = table.unused) {
      table.unused = area->next;
      return area;
    }
  }
  return static_cast<Area*>(page::metadata_alloc(sizeof(Area), alignof(Area)));
}

std::size_t bytes_of(const void* p) {
  const Guard guard(table.lock);
  Area** const link = find(address_of(p));
  return link == nullptr ? 0 : (*link)->bytes;
}

bool stays_in_place(const void* p, std::size_t bytes) {
  const Guard guard(table.lock);
  Area** const link = find(address_of(p));
  if (link == nullptr || bytes > (*link)->bytes || bytes <= (*link)->asked / 2) return false;
  (*link)->asked = bytes;
  return true;
}

// The table changes under this look. Descriptors are never unmapped, so that a chain may only lead astray.
__attribute__((no_sanitize("thread"))) std::size_t peek_bytes_of(const void* p) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  constexpr unsigned kLooks = 100, kLongest = 1000;
  for (unsigned look = 0; look < kLooks; ++look) {
    const Area* area = bucket_of(address_of(p));
    for (unsigned i = 0; area != nullptr && i < kLongest; ++i, area = area->next) {
      if (area->start == address_of(p)) return area->bytes;
    }
  }
  return 0;
}

bool find_around(const void* p, const void*& start, std::size_t& bytes) {
  const Guard guard(table.lock);
  for (const Area* area : table.buckets) {
    for (; area != nullptr && !area->kept; area = area->next) {
      if (address_of(p) - area->start >= area->bytes) continue;
      start = reinterpret_cast<const void*>(area->start);
      bytes = area->bytes;
      return true;
    }
  }
  return false;
}

Counts counts() {
  const Guard guard(table.lock);
  return table.counts;
}

void lock_for_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { table.lock.lock_beside_same_rank(); }
void unlock_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { table.lock.unlock(); }
void reset_in_child() { table.lock.reset(); }

}  // namespace ashlar::vmalloc
