// tool, reader, private: which of Ashlar's pages are resident, and what smaps counts for Ashlar's mappings and for
// others.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tool/reader/source.h"

namespace ashlar::reader {

class Residence {
 public:
  // Reads the state of the pages of ascending ranges. If the state cannot be read, known() is false, and all memory
  // counts as resident.
  bool read(Source& source, const std::vector<Range>& ranges);
  [[nodiscard]] bool known() const { return known_; }

  // Returns the resident bytes of a range. Fast if called for ascending ranges.
  [[nodiscard]] std::uint64_t resident(const Range& range) const;
  // Calls visit for each resident part of a range.
  template <class Visit>
  void for_resident(const Range& range, Visit visit) const {
    for (std::size_t i = first_at(range.start); i < stretches_.size() && stretches_[i].start < range.end; ++i) {
      const std::uint64_t start = std::max(range.start, stretches_[i].start);
      const std::uint64_t end = std::min(range.end, stretches_[i].end);
      if (start < end && stretches_[i].state == PageStretch::State::kResident) visit(Range{start, end});
    }
  }
  // Returns all bytes that are swapped out.
  [[nodiscard]] std::uint64_t swapped() const;

 private:
  // Returns the first stretch that ends after an address.
  [[nodiscard]] std::size_t first_at(std::uint64_t address) const;

  std::vector<PageStretch> stretches_;
  bool known_ = false;
  mutable std::size_t last_ = 0;  // a hint: where the last look-up ended
};

struct Reconciled {
  std::uint64_t ashlar_rss = 0, process_rss = 0, process_swap = 0, huge = 0, hugetlb = 0;
  std::map<std::string, std::uint64_t> others;
};

// Returns what smaps counts for ascending ranges of Ashlar's, and for the rest of the process by kind. Pages of the
// reserved pool are included, which Rss leaves out.
Reconciled reconcile_smaps(Source& source, const std::vector<Range>& ours);

// Returns the kind of a mapping that is not Ashlar's, by its number: "programs and libraries", "main stack", …
std::string kind_of(Source& source, std::size_t i);

}  // namespace ashlar::reader
