// tool, reader, private: which of Ashlar's pages are resident, and what smaps counts for its mappings and others.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tool/reader/source.h"

namespace ashlar::reader {

class Residence {
 public:
  // Reads the state of the pages of some ascending ranges. Where it is not to be had, known() is false, and all memory
  // is taken as resident.
  bool read(Source& source, const std::vector<Range>& ranges);
  [[nodiscard]] bool known() const { return known_; }

  // Bytes of a range that are resident. Quick when asked for ascending ranges.
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
  // All bytes that are swapped out.
  [[nodiscard]] std::uint64_t swapped() const;

 private:
  // The first stretch that ends behind an address.
  [[nodiscard]] std::size_t first_at(std::uint64_t address) const;

  std::vector<PageStretch> stretches_;
  bool known_ = false;
  mutable std::size_t last_ = 0;  // where the last look-up ended: a hint
};

struct Reconciled {
  std::uint64_t ashlar_rss = 0, process_rss = 0, process_swap = 0, huge = 0;
  std::map<std::string, std::uint64_t> others;
};

// What smaps says of ascending ranges that are Ashlar's, and of the rest of the process by kind.
Reconciled reconcile_smaps(Source& source, const std::vector<Range>& ours);

// What a mapping that is not Ashlar's is, by its number: "programs and libraries", "main stack", …
std::string kind_of(Source& source, std::size_t i);

}  // namespace ashlar::reader
