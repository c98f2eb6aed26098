// check, private: what a report shows of a block.
#pragma once

#include "check/fill.h"

namespace ashlar::check {

inline constexpr std::size_t kShownBytes = 16;  // a line of a dump

// Writes bytes of [start, end), at most so many lines. Another thread may free, and unmap, what a check of all blocks
// reports: what cannot be read is left out.
void dump(std::string_view name, std::uintptr_t start, std::uintptr_t end, std::size_t lines);

// Writes the threads that allocated and freed a block, if they are known.
void tell_tracks(const Tracks* tracks);

// Writes a slot's state, threads, neighbours and bytes.
void tell_all(SlotRef slot);

// Returns the slot around an address of a span, or none.
SlotRef slot_around(const Span& span, std::uintptr_t p);

}  // namespace ashlar::check
