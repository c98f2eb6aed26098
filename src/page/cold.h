// page, private: the runs that are said to be cold (note_cold_run), until the kernel was told that they are idle (the
// option cold): once by MADV_COLD, twice by MADV_PAGEOUT, which leaves pages alone that are being written to the disk.
// Each zone has a list. An entry says where runs were. Where a zone of a node has none any more, nothing is told: the
// pages may be another user's, who needs them at once. A swap area's pages are told of in any case, as few calls take
// memory from areas.
//
// Locking: the zone's lock.
#pragma once

#include "page/page.h"

namespace ashlar::page {

class Zone;

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

// Tells the kernel of the runs that were given, or first told, decay_ms ago. True if there are younger ones.
bool advise_cold_runs();

}  // namespace ashlar::page
