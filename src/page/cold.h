// page, private: the runs that alloc_swap_run gave of one swap area, until the kernel was told that they are idle (the
// option cold): once by MADV_COLD, twice by MADV_PAGEOUT, which leaves pages alone that are being written to the disk.
// An entry says where a run was, and no more: of one that was freed meanwhile, its place is told, which changes no
// contents.
//
// Locking: the zone's lock.
#pragma once

#include "page/page.h"

namespace ashlar::page {

class ColdRuns {
 public:
  static constexpr unsigned kMax = 64;

  struct Place {
    std::uintptr_t start = 0;
    std::uint32_t pages = 0;
    Moment given;
    bool told = false;  // once
    explicit operator bool() const { return pages != 0; }
  };

  // Joins neighbours that are given within `nearly` of each other. Where all places are taken, the new one is left out.
  void add(const Place& place, AgeMs nearly);

  // A place that was told, for a second time. Left out where it would take the last free place, as a full list gives up
  // its oldest before its age.
  void add_told(Place place, Moment now, AgeMs nearly);

  // The oldest place, if it was given min_age ago, or there is room for no more; else none.
  Place take(Moment now, AgeMs min_age);

  void forget() { count_ = 0; }
  [[nodiscard]] bool empty() const { return count_ == 0; }

 private:
  Place places_[kMax];
  unsigned first_ = 0, count_ = 0;
};

// After a run of a swap area was given to its user. Tells the kernel of those that are idle by now.
void note_cold_run(const Run& run);

// Tells the kernel of the runs that were given, or first told, decay_ms ago. True if there are younger ones.
bool advise_cold_runs();

}  // namespace ashlar::page
