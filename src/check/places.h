// check, private: where areas lie: at random, with nothing mapped around them, so that an address that misses its area
// by a page or a megabyte is most likely nobody's.
//
//   stretch   ┌──────┬──────┬──────┬──────┬──────┬──        of 512 GiB of addresses, one for each size of units;
//             │      │ unit │      │      │ unit │          its first units serve, four times what is used
//             └──────┴──────┴──────┴──────┴──────┴──
//   unit      ┌──┬─────────────────┬───────┐
//             │  │ area            │       │                a page or more on each side of the area is never mapped
//             └──┴─────────────────┴───────┘
#pragma once

#include "check/areas.h"

namespace ashlar::check {

// Maps zeros for an area at a random place and sets its start, bytes and unit. False if there is no memory, or no place
// (too many mappings, another address space than the usual). The caller enters the area into the map (set_area).
bool map_place(Area& area, std::size_t bytes, std::uint64_t random);

// What the area may grow to in its place.
std::size_t most_in_place(const Area& area);

// Ends the mapping of an area; its addresses stay its own until give_place.
void unmap_place(const Area& area);
// The addresses may serve another area; it is no longer in the map.
void give_place(Area& area);

// The area in whose unit an address lies, or null.
Area* area_around(std::uintptr_t address);

}  // namespace ashlar::check
