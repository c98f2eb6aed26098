// slab, private: a cache: its slabs, and the depot that stands before them.
#pragma once

#include "slab/slab.h"

namespace ashlar::slab {

using page::Page;

inline constexpr unsigned kBuckets = 8;                               // partial lists by how much is free
inline constexpr unsigned kDepotSlots = 32;                           // magazines a depot holds at most
inline constexpr std::size_t kDepotBytes = std::size_t{1} << 20;      // and bytes
inline constexpr std::size_t kAllDepotsBytes = std::size_t{8} << 20;  // and all depots together

// A slab is, as seen from the lists:
//   current  being carved (has never-used room); on no list
//   partial  on partial[bucket], bucket 0 the fullest
//   full     nothing free; on no list
//   spare    nothing in use; on no list, at most one
struct alignas(64) Cache {
  // Protected by `lock`:
  Lock<LockRank::kCache> lock;
  std::uint32_t nonempty = 0;  // bit b: partial[b] is not empty
  Page* current = nullptr;
  List<Page> partial[kBuckets];
  Page* spare = nullptr;
  Page* spare_seen = nullptr;  // the spare at the last reap
  std::uint64_t slabs = 0;
  std::uint64_t pages = 0;
  std::uint64_t capacity = 0;
  std::uint64_t out = 0;

  // Protected by `depot_lock`, on a cache line of their own: who exchanges magazines does not wait for who sorts
  // slabs.
  alignas(64) Lock<LockRank::kDepot> depot_lock;
  std::uint32_t depot_count = 0;  // also read without the lock, as a hint whether a look is worth it
  std::uint32_t depot_least = 0;  // the least depot_count since the last reap
  std::uint64_t depot_objects = 0;
  Magazine* depot = nullptr;  // kDepotSlots of them, made when first needed
};

extern Cache caches[kClasses];

inline Cache& cache_of(SizeClass c) { return caches[c.raw]; }

// The lists of slabs. All but free_slabs under cache.lock.
Magazine take_from_slabs(Cache& cache, SizeClass size_class, std::uint32_t want);
// Takes a slab off the books and puts it on a chain for free_slabs, which gives the pages back without the lock.
void forget_slab(Cache& cache, Page* slab, Page*& freed);
void free_slabs(Page* freed);

}  // namespace ashlar::slab
