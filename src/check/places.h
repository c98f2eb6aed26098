// check, private: where regions lie: at random, with nothing mapped around them, so that an address that misses its
// region by a page or a megabyte is most likely nobody's.
//
//   stretch   ┌──────┬──────┬──────┬──────┬──────┬──        of 512 GiB of addresses, one for each size of units;
//             │      │ unit │      │      │ unit │          its first units serve, four times what is used
//             └──────┴──────┴──────┴──────┴──────┴──
//   unit      ┌──┬─────────────────┬───────┐
//             │  │ region          │       │                a page or more on each side of the region is never mapped
//             └──┴─────────────────┴───────┘
#pragma once

#include "check/regions.h"

namespace ashlar::check {

inline constexpr unsigned kMinUnit = 14, kMaxUnit = 36;  // powers of two of bytes

struct Places {
  // Regions of each size of units. Relaxed: the number of units that serve may be a little off.
  std::atomic<std::uint32_t> in_use[kMaxUnit + 1] = {};
};
extern Places places;

// Maps zeros for a region at a random place and sets its start, bytes and unit. False if there is no memory, or no
// place (too many mappings, another address space than the usual). The caller enters the region into the map
// (set_region).
bool map_place(Region& region, std::size_t bytes, std::uint64_t random);

// What the region may grow to in its place.
std::size_t max_in_place(const Region& region);

// Ends the mapping of a region; its addresses stay its own until release_place.
void unmap_place(const Region& region);
// The addresses may serve another region; it is no longer in the map.
void release_place(Region& region);

// The region in whose unit an address lies, or null.
Region* region_around(std::uintptr_t address);

}  // namespace ashlar::check
