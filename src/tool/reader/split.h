// tool, reader: what the resident memory of a process is used for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tool/reader/model.h"

namespace ashlar::reader {

// Bytes of resident memory, each byte counted once. For a core file, whose residence is unknown, Split::known is false
// and the figures are the heap's contents, resident or not.
struct Split {
  bool known = true;

  // What the program holds.
  std::uint64_t live_slab = 0;     // in objects of caches
  std::uint64_t live_runs = 0;     // in blocks of whole pages
  std::uint64_t live_vmalloc = 0;  // in blocks with a mapping of their own
  std::uint64_t live_checked = 0;  // in slots of checked blocks
  // What is free.
  std::uint64_t slab_free = 0;      // objects on slabs' free lists
  std::uint64_t slab_uncarved = 0;  // never carved, though resident
  std::uint64_t slab_tail = 0;      // too little for one more object, at slabs' ends
  std::uint64_t magazines = 0;      // objects in threads' magazines
  std::uint64_t depot = 0;          // objects in depots
  std::uint64_t quarantine = 0;     // freed checked blocks that wait to be reused
  std::uint64_t checked_free = 0;   // free slots of checked blocks
  std::uint64_t dirty_free = 0;     // free pages that were used
  std::uint64_t clean_free = 0;     // free pages that were never used but are resident: parts of huge pages
  // What Ashlar needs itself.
  std::uint64_t metadata = 0;  // descriptors, sections, heaps
  std::uint64_t image = 0;     // the library's code and data
  std::uint64_t unknown = 0;   // pages that changed while they were read

  // Of live_slab: an estimate of what was rounded up, since requested sizes are recorded of samples only. Those of
  // checked blocks are known as well.
  std::uint64_t rounding = 0;

  std::uint64_t swapped = 0;  // of Ashlar's memory, not in the sums
  std::uint64_t huge = 0;     // of Ashlar's memory, in transparent huge pages
  std::uint64_t hugetlb = 0;  // the same in huge pages of the reserved pool, which are in the sums

  std::uint64_t ashlar_rss = 0;   // what smaps counts for Ashlar's mappings; attributed() should equal it
  std::uint64_t process_rss = 0;  // what smaps counts for all mappings
  std::uint64_t process_swap = 0;

  // Memory that is not Ashlar's, by kind (kind_of), the largest first: "programs and libraries", "brk heap", …
  struct Other {
    std::string what;
    std::uint64_t rss = 0;
  };
  std::vector<Other> others;

  [[nodiscard]] std::uint64_t live() const { return live_slab + live_runs + live_vmalloc + live_checked; }
  [[nodiscard]] std::uint64_t free() const {
    return slab_free + slab_uncarved + slab_tail + magazines + depot + quarantine + checked_free + dirty_free +
           clean_free;
  }
  [[nodiscard]] std::uint64_t own() const { return metadata + image + unknown; }
  [[nodiscard]] std::uint64_t attributed() const { return live() + free() + own(); }
  // Returns what smaps counts for the rest of the process.
  [[nodiscard]] std::uint64_t not_ashlar() const { return process_rss - ashlar_rss; }
};

// Precondition: the model was read from `source`.
Split split_rss(Source& source, const Model& model);

}  // namespace ashlar::reader
