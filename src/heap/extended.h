// heap: what jemalloc's interface asks beyond malloc's: sizes known in advance, growth where a block stands, and a
// thread's free objects given away.
//
// Thread-safe.
#pragma once

#include "heap/heap.h"

namespace ashlar::heap {

// The largest size whose blocks take no more memory than those of `size` bytes at a multiple of `alignment`, a power of
// two; above 0 and at most PTRDIFF_MAX together.
std::size_t good_size(std::size_t size, std::size_t alignment);

// Makes the run that starts at p large enough for `size` bytes, or no larger than that; false, and nothing changed, if
// p is no run of malloc's or there is no room. It does not move.
bool resize_in_place(void* p, std::size_t size);

// Returns the calling thread's magazines to the depots. Nothing if the thread may not enter.
void flush_thread();

}  // namespace ashlar::heap
