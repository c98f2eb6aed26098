// page, private: extents, the free pages of former runs. All of them may be resident, and neighbours are always
// joined, so that a run of any length fits where one of about its length was: the buddy's powers of two would leave
// half of such a hole unused, and have other pages faulted in instead. What is purged goes to the buddy, as clean
// blocks.
//
//   first page ─► kExtent { pages, age } … last page ─► kExtentEnd { pages }      (one page: kExtent alone)
//
// Locking: the zone's lock.
#pragma once

#include "page/descriptor.h"

namespace ashlar::page {

struct Arena;
struct PageIndex;

class Extents {
  friend class ZoneCheck;  // validate_page.cc

 public:
  // Adds pages, joining them with the extents around them. The whole is as old as its pages in the mean.
  void add(Arena& arena, PageIndex first, std::uint32_t count, Moment since);

  // Takes an extent out, whole.
  void remove(Page* extent);

  // The best fit among a few of at least `pages`, or null.
  Page* find(std::uint32_t pages) const;

  // Calls visit for the oldest of each kind, from the largest, until it returns true.
  template <class Visit>
  Page* find_from_largest(Visit visit) const {
    for (unsigned bin = kBins; bin-- > 0;) {
      Page* const oldest = bins_[bin].back();
      if (oldest != nullptr && visit(oldest)) return oldest;
    }
    return nullptr;
  }

  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  // Eight bins to a doubling, up to arenas of 256 MiB.
  static constexpr unsigned kSteps = 8;
  static constexpr unsigned kBins = 17 * kSteps;

  static unsigned bin_of(std::uint32_t pages);

  List<Page> bins_[kBins];
  std::uint64_t count_ = 0;
};

}  // namespace ashlar::page
