// stats: a snapshot of all layers, and the reports made from it. Thread-safe; each layer's figures fit each other,
// those of different layers are taken one after another.
#pragma once

#include "heap/heap.h"

namespace ashlar::stats {

struct Snapshot {
  page::ZoneCounts zone;
  vmalloc::Counts vmalloc;
  heap::Counts heaps;
  slab::CacheCounts caches[slab::kClasses];

  // Objects of a class that the program holds.
  [[nodiscard]] std::uint64_t live_objects(unsigned c) const;
  // Free objects of a class in magazines and in the depot.
  [[nodiscard]] std::uint64_t cached_objects(unsigned c) const;

  // All below in bytes.
  [[nodiscard]] std::size_t slab_live() const;    // in objects that the program holds, rounding included
  [[nodiscard]] std::size_t slab_cached() const;  // in magazines and depots
  [[nodiscard]] std::size_t slab_pages() const;   // in slabs
  [[nodiscard]] std::size_t run_pages() const;    // in runs
  [[nodiscard]] std::size_t live() const { return slab_live() + run_pages(); }  // without vmalloc
  [[nodiscard]] std::size_t held() const;  // pages in use, or free and perhaps resident; without vmalloc
  [[nodiscard]] std::size_t max_held() const { return zone.max_live.bytes(); }
};

Snapshot snapshot();

// Writes a report of some lines to stderr, each with "ashlar: " before it.
void report();

}  // namespace ashlar::stats
