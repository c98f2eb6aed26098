// stats: a snapshot of all layers, and the reports made from it. Thread-safe. The figures of one layer are consistent;
// those of different layers are taken one after another.
//
// Functions that are not in stats.cc are defined in json.cc.
#pragma once

#include "ashlar/ashlar.h"
#include "heap/named_bins.h"
#include "profile/profile.h"

namespace ashlar::stats {

// The counts of a named cache, or of all together, then in bytes. Spans of checked objects count as slabs.
struct NamedCounts {
  std::uint64_t live = 0;
  std::uint64_t magazines = 0;
  std::uint64_t depot = 0;
  std::uint64_t slab_free = 0;
  std::uint64_t slabs = 0;
  std::uint64_t slab_bytes = 0;
  std::uint64_t object_size = 0;
  std::uint8_t checks = 0;  // of one: what is checked, bits of SlabDebug
};
NamedCounts counts_of(slab::NamedCache& named);

// What is checked by the letters of slab_debug; empty if nothing is.
inline Text<8> letters_of(std::uint8_t checks) {
  Text<8> letters;
  for (unsigned bit = 0; bit < 5; ++bit) {
    if ((checks >> bit & 1) != 0) letters << std::string_view(&"FZPUT"[bit], 1);
  }
  return letters;
}

// Calls visit(names, counts) for each named cache that has slabs.
template <class Visit>
void for_named(Visit visit) {
  for (unsigned number = 1; number < slab::numbers_in_use(); ++number) {
    const NamedCounts n = counts_of(*slab::named_at(static_cast<CacheNumber>(number)));
    char names[64];
    slab::write_names(static_cast<CacheNumber>(number), names, sizeof names);
    if (n.slabs != 0) visit(names[0] != 0 ? names : "(destroyed)", n);
  }
}

struct Snapshot {
  page::ZoneCounts zone;
  vmalloc::Counts vmalloc;
  heap::Counts heaps;
  // Includes a class's checked blocks in spans and its samples in slots of a profile, as if those were slabs.
  slab::CacheCounts caches[slab::kClasses];
  NamedCounts named;                       // all named caches, in bytes
  std::uint64_t named_cached_objects = 0;  // their free objects outside of slabs
  std::uint64_t named_free_objects = 0;    // their free objects in slabs
  slob::Counts slob;
  std::uint64_t huge_pool = 0;     // bytes in huge pages of the system's reserved pool
  std::uint64_t mapped_spans = 0;  // bytes of slabs in mappings of their own: spans
  std::uint64_t freed_runs = 0;    // bytes of runs that hold freed checked blocks and are kept

  // Returns the objects of a class that the program holds.
  [[nodiscard]] std::uint64_t live_objects(unsigned c) const;
  // Return the free objects of a class in threads' magazines, in the depot, and in both.
  [[nodiscard]] std::uint64_t magazine_objects(unsigned c) const;
  [[nodiscard]] std::uint64_t depot_objects(unsigned c) const;
  [[nodiscard]] std::uint64_t cached_objects(unsigned c) const { return magazine_objects(c) + depot_objects(c); }

  // All of the following are in bytes.
  [[nodiscard]] std::size_t slab_live() const;    // objects that the program holds, with slob's, with rounding
  [[nodiscard]] std::size_t slab_cached() const;  // in magazines and depots
  [[nodiscard]] std::size_t slab_pages() const;   // in slabs and slob's blocks
  [[nodiscard]] std::size_t run_pages() const;    // in runs
  [[nodiscard]] std::size_t live() const { return slab_live() + run_pages(); }  // without vmalloc
  [[nodiscard]] std::size_t held() const;  // pages in use, or free and perhaps resident; without vmalloc
  [[nodiscard]] std::size_t max_held() const { return zone.max_live.bytes(); }
};

Snapshot snapshot();

// Fills the struct of include/ashlar/ashlar.h from a snapshot.
void fill(ashlar_stats& out);

// Writes a report of some lines to stderr, each with "ashlar: " before it.
void report();

// Writes the figures of `fill` to stderr as one line, a JSON object with the names of the C struct's fields. Locks: one
// thread at a time may call it.
void report_json();

}  // namespace ashlar::stats
