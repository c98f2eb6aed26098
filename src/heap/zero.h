// heap: blocks of no bytes, as the kernel's ZERO_SIZE_PTR: addresses of a stretch that nobody may access, so that an
// access is a fault. Distinct, and not used again before many others were.
//
// Thread-safe without a lock.
#pragma once

#include "page/page.h"

namespace ashlar::heap {

enum class ZeroState : std::uint8_t { kNever, kLive, kFreed };

// A block, or null when there is no address space, or none is free.
void* allocate_zero();

// True when p lies in the stretch.
bool is_zero_block(const void* p);

// Of the block that starts at p, which lies in the stretch; kNever where none can start.
ZeroState zero_state(const void* p);

// Frees it if it is live; what it was before.
ZeroState release_zero(void* p);

}  // namespace ashlar::heap
