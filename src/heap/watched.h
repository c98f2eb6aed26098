// heap, private: bins whose calls are watched.
//
// The fast paths look at nothing, so that misuse shows only when a list changes hands, which may be after a block was
// given to two. Each bin of the first heap therefore begins with calls that all miss, and every bin has a few more of
// them after its lists went to the slabs. Meanwhile its loaded magazine is empty and has no room, and what is free lies
// in the previous one.
// A process that runs for a moment, and the seldom used sizes of others, are looked at in full.
//
//   malloc  the object behind the one that goes out must be one of the class
//   free    the block may not be in the list, nor among the free ones of its slab, and starts an object
#pragma once

#include "heap/heap.h"

namespace ashlar::heap {

inline constexpr std::uint8_t kWatchedAtFirst = 32, kWatchedAgain = 16;  // calls of a bin

// Watches the next calls of a bin whose loaded magazine is empty.
void watch(Heap& heap, SizeClass c, std::uint8_t calls);

// An object of a watched bin's previous magazine, which has one.
void* take_watched(Heap& heap, SizeClass c);

// Puts an object of the class into the previous magazine; false if the bin is full. Aborts, naming `caller`, if it was
// free already.
bool put_watched(Heap& heap, SizeClass c, void* p, const char* caller);

}  // namespace ashlar::heap
