// slab, private: from what a program wants of a named cache to its objects and slabs.
#pragma once

#include "slab/named_cache.h"

namespace ashlar::slab {

// Returns what objects are multiples of.
std::size_t alignment_of(const Wanted& wanted);

// Returns a cache without a number, of the size, link and orders that follow.
NamedCache shape_of(const Wanted& wanted);

}  // namespace ashlar::slab
