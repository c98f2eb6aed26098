// check: blocks that are checked, between heap and api: slab_debug, harden, guard_sample and failslab. While none of
// them is on, `active` is false and nothing of this layer runs, nor is any of its memory touched.
//
//   malloc's miss ──► allocate ──► a slot of a span            up to some 32 KiB
//                              ├─► a mapping between guards    above that, and what guard_sample picks
//                              ├─► an address without access   0 bytes
//                              └─► heap                        what is not to be checked
//
// Every call gets here, because heaps are `nobody` while blocks are checked (heap::see_every_call). Checked blocks
// lie in pages of class 0, so that freeing one misses too. With guard_sample alone heaps work as ever, and misses are
// counted.
//
// Nothing that is known of a block lies beside it: its state, size and tracks are in metadata, and free slots are in
// bitmaps, not in lists.
//
// All functions are thread-safe. Locking: kShard, kSpans, kGuarded, kAreaMap, in this order. A report may allocate: the
// most that is held then is the thread's own shard, which it notices.
#pragma once

#include "heap/heap.h"

namespace ashlar::check {

// The family of functions that a block comes from and goes to.
enum class Form : std::uint8_t { kMalloc, kNew, kNewArray };

inline constexpr std::size_t kNoSize = SIZE_MAX;  // who frees names no size

// True when any option of this layer is on. Written before main, by the thread that loads the library.
extern bool active;

// Puts the options into force; called once, after they were read. `say` lines complain of names of no cache.
void start();

// A block of at least `size` bytes at a multiple of `alignment`, a power of two; null when there is no memory, or
// failslab wants it so. `zeroed` tells whether all bytes are known to be zero.
void* allocate(std::size_t size, std::size_t alignment, Form form, bool& zeroed);

// Frees p if it is one of this layer's blocks, and checks it. False if it is none. `size` is what the caller says that
// he once asked for, or kNoSize.
bool release(void* p, Form form, std::size_t size, const char* caller);

// The bytes asked for of the block at p; false if it is none of this layer's.
bool find(const void* p, std::size_t& bytes, const char* caller);

// Checks all blocks, live and free, as freeing or reusing them would. The number of faults, each of which is reported.
std::size_t validate();

// True in a signal handler that interrupted this thread within this layer.
[[nodiscard]] bool holds_shard();
[[nodiscard]] inline bool interrupted() { return active && holds_shard(); }

}  // namespace ashlar::check
