// vmalloc, private: the table of areas: a hash table by the number of an area's first page.
#pragma once

#include "vmalloc/vmalloc.h"

namespace ashlar::vmalloc {

// The kernel's vmap_area.
struct Area {
  Area* next;  // in its bucket, or on the list of unused descriptors
  std::uintptr_t start;
  std::size_t bytes;
  bool guarded;  // a page of its own without access lies behind it
};

inline constexpr std::size_t kBuckets = 4096;  // chains of eight at the worst

struct Table {
  Lock<LockRank::kVmalloc> lock;  // protects all below
  Area* buckets[kBuckets] = {};
  Area* unused = nullptr;
  Counts counts;
};
extern Table table;

}  // namespace ashlar::vmalloc
