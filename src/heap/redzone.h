// heap, private: what is looked at around the blocks of whole pages (runs), whose way is a slow one in any case:
//
//   │ page before         │ run                                   │
//   │               zeros?│ block ………………………………………………… │ zone    │   the zone: up to 32 bytes of what rounding left over
//   └─────────────────────┴───────────────────────────────────────┘
//                         ▲ poison, while it is one of the last few that were freed
//
// A page that is not resident costs nothing more: its zone is the zeros that it reads as.
//
// Locking: a run's zone is its owner's, like the block; the rest is under the zone's lock (page.h).
#pragma once

#include "page/page.h"

namespace ashlar::heap {

// Sets the zone of a run that is about to hold a block of `size` bytes. `zeroed` is as in page::Run.
void set_red_zone(PageId first, PageCount count, bool zeroed, std::size_t size);

// Aborts, naming `caller`, if the zone was written to.
void check_red_zone(PageId first, PageCount count, const char* caller);

// The program was told that all of the run is its own (malloc_usable_size).
void forget_red_zone(PageId first);

// Frees the run of a block: checks its surroundings, and has its first bytes watched. False if no run starts there.
bool release_run(PageId first, PageCount count, const char* caller);

// Aborts if one of the runs that were freed last was written to since.
void check_freed_runs();

}  // namespace ashlar::heap
