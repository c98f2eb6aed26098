// page, private: runs that were marked as cold (note_cold_run), until the kernel was advised that they are idle (option
// cold). MADV_COLD is advised once, and MADV_PAGEOUT twice, since it skips pages that are being written to the disk.
// Each zone has a list, whose entries say where runs were. In a node's zone, an entry without a cold run is skipped: a
// block that is needed soon may have the pages by now. In a swap area's zone each entry is advised, because few calls
// take memory from areas.
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

  // Joins neighbours that were added within `nearly` of each other. If all places are taken, the new one is left out.
  void add(const Place& place, AgeMs nearly);

  // Adds a place that was advised once, for the second time. It is left out if it would take the last free place: a
  // full list loses its oldest place early.
  void add_told(Place place, Moment now, AgeMs nearly);

  // Takes the oldest place if it was added min_age ago or the list is full. Returns an empty place otherwise.
  Place take(Moment now, AgeMs min_age);

  void forget() { count_ = 0; }
  [[nodiscard]] bool empty() const { return count_ == 0; }

 private:
  Place places_[kMax];
  unsigned first_ = 0, count_ = 0;
};

// Advises the kernel of runs that were added, or first advised, decay_ms ago. Returns true if there are younger ones.
bool advise_cold_runs();

}  // namespace ashlar::page
