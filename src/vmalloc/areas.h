// vmalloc, private: the table of areas: a hash table by the number of an area's first page.
#pragma once

#include "vmalloc/vmalloc.h"

namespace ashlar::vmalloc {

// The kernel's vmap_area.
struct Area {
  Area* next;  // in its bucket, or on the list of kept or of unused ones
  std::uintptr_t start;
  std::size_t bytes;
  std::size_t asked;  // bytes last asked for: less than `bytes` if a longer kept area serves
  Moment freed;       // of a kept one
  bool guarded;       // a page without access follows it
  bool kept;          // it is free
};

inline constexpr std::size_t kBuckets = 4096;  // chains of eight at the worst

struct Table {
  Lock<LockRank::kVmalloc> lock;
  // The last one: areas that are free and kept (kept.cc), the newest first.
  Area* buckets[kBuckets + 1] ASHLAR_GUARDED_BY(lock) = {};
  Area* unused ASHLAR_GUARDED_BY(lock) = nullptr;
  Counts counts ASHLAR_GUARDED_BY(lock);
};
extern Table table;

// Fibonacci hashing (Knuth, TAOCP 3, 6.4) of the page number.
inline std::size_t bucket_index(std::uintptr_t start) { return (start >> kPageShift) * 0x9e3779b97f4a7c15u >> 52; }
static_assert(kBuckets == std::size_t{1} << (64 - 52));

inline Area*& kept_areas() ASHLAR_REQUIRES(table.lock) { return table.buckets[kBuckets]; }

inline std::uintptr_t address_of(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

// Takes the area that starts at p out of the table. Returns null if there is none.
Area* remove(const void* p);
void put_back(Area* area);

// Returns an area in no list: an unused one, or a new one. Returns null without memory.
Area* new_area();
// Puts an area in no list on the list of unused ones.
void drop(Area* area);

// Defined in vmalloc.cc.
void unmap(Area* area);  // one that is in no list
void* map(std::size_t bytes, std::size_t alignment);
void* map_from_pool(std::size_t bytes);  // huge pages of the reserved pool, zero-filled; null where it has too few

}  // namespace ashlar::vmalloc
