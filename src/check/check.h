// check: blocks that are checked, between heap and api: slab_debug, harden, guard_sample and failslab. While none of
// them is on, active() is false and nothing of this layer runs, nor is any of its memory touched. Caches that are
// created with flags for checks begin it at run time, for their objects alone.
//
//   malloc's miss ──► allocate ──► a slot of a span            up to some 32 KiB
//                              ├─► a mapping between guards    above that, and what guard_sample picks
//                              ├─► an address without access   0 bytes
//                              └─► heap                        what is not to be checked
//
// Every call gets here, because heaps are `nobody` while blocks are checked (heap::see_every_call). Checked blocks
// lie in pages of class 0, so that freeing one misses too. With guard_sample alone heaps work as usual, and misses are
// counted.
//
// Nothing that is known of a block lies beside it: its state, size and tracks are in metadata, and free slots are in
// bitmaps, not in lists.
//
// All functions are thread-safe. Locking: kShard, kSpans, kGuarded, kRegionMap, in this order. A report may allocate:
// the most that is held then is the thread's own shard, which it notices.
//
// What is not in check.cc is defined in counts.cc, fill.cc, object.cc, report.cc, settings.cc, shard.cc, structures.cc
// and validate_check.cc.
#pragma once

#include "heap/heap.h"

namespace ashlar::check {

// The family of functions that a block comes from and goes to.
enum class Form : std::uint8_t { kMalloc, kNew, kNewArray };

inline constexpr std::size_t kNoSize = SIZE_MAX;  // the deallocation names no size

// What each miss asks of this layer.
struct Control {
  // Any option of this layer is on. Written before main, by the thread that loads the library.
  bool active = false;
  // There may be blocks of this layer: while it is active, or since a cache was created that is checked for its flags.
  // In the second case malloc takes no notice of this layer, and free asks whether a block that misses is an object of
  // such a cache. Relaxed: whoever holds such a block got it after the store.
  std::atomic<bool> has_blocks{false};
};
extern constinit Control control;
[[nodiscard]] inline bool active() { return control.active; }
[[nodiscard, gnu::always_inline]] inline bool may_have_blocks() {
  return control.has_blocks.load(std::memory_order_relaxed);
}

// Applies the options. Called once, after they were read. Unknown cache names of slab_debug are reported on stderr.
void start();

// Whether guard_sample was on then, so that its rate may change.
[[nodiscard]] bool can_sample();

// A block of at least `size` bytes at a multiple of `alignment`, a power of two; null when there is no memory, or
// failslab wants it so. `zeroed` tells whether all bytes are known to be zero.
void* allocate(std::size_t size, std::size_t alignment, Form form, bool& zeroed);

// Frees p if it is one of this layer's blocks, and checks it. False if it is none. `size` is what the caller of
// free says that the block was requested with, or kNoSize.
bool release(void* p, Form form, std::size_t size, const char* caller);

// Gives the live block at p, one of this layer's, another size: in its slot, in its place, or by moving its pages.
// Null, and nothing changed, where it has to be copied to a new one, as slab_debug always wants it. What the block
// loses is cleared, what it gains is zero.
void* resize(void* p, std::size_t size);

// Whether p lies in what is this layer's.
[[nodiscard]] bool owns(const void* p);

// The bytes asked for of the block at p; false if it is none of this layer's.
bool find(const void* p, std::size_t& bytes, const char* caller);

// --- Named caches (slab/named_cache.h). A cache is checked if `checked` is set, from its creation to its end.

// Has a cache that was just made checked, if the options want it or its creator does, by letters: bits of SlabDebug.
// The first cache with letters has this layer begin, for caches with letters alone. Without memory for it: false if
// there are letters; else it is not checked. No lock may be held.
[[nodiscard]] bool open_cache(slab::Handle& cache, std::uint64_t letters);

// An object of a checked cache; null when there is no memory, or in a signal handler.
void* allocate_object(slab::Handle& cache);

// Frees p, which is said to be an object of a cache, checked or not, and checks it.
enum class Taken : std::uint8_t {
  kUnchecked,  // p is no checked block: nothing was done
  kDone,       // it was freed, or reported as no live object of the cache
  kOfAnother,  // it was reported as another cache's or malloc's, and is as it was
};
Taken release_object(slab::Handle& cache, void* p);

// The objects of a checked cache that are in use, and up to `max` of their addresses.
std::uint64_t live_objects(const slab::Handle& cache, const void** some, unsigned max);

// What a checked cache holds: objects in use and free, and the spans that they lie in.
struct ObjectCounts {
  std::uint64_t live = 0;
  std::uint64_t free = 0;
  std::uint64_t spans = 0;
  std::uint64_t bytes = 0;
  std::uint64_t slot_bytes = 0;  // of a span's slot; 0 if there is none
};
ObjectCounts object_counts(const slab::Handle& cache);

// What lies in spans alone: of malloc's blocks with slots of a class's size, and of a checked cache, by its number.
ObjectCounts malloc_counts(SizeClass slot_class);
ObjectCounts named_counts(CacheNumber number);

// The span that an address lies in.
struct SpanAround {
  std::uintptr_t start = 0;
  std::size_t bytes = 0;
  std::size_t slot_bytes = 0;
  std::uint32_t slots = 0;
  std::uint32_t live = 0;  // of these
  SizeClass slot_class;
  CacheNumber named = 0;  // the number of the cache whose objects lie there; 0: malloc's blocks
};
// False if there is none, and in a signal handler that interrupted this layer.
bool find_span(const void* p, SpanAround& around);

// What of the mappings and runs that vmalloc and page count is no live block of its own. Bytes.
struct BlockCounts {
  std::uint64_t mapped_spans = 0;    // spans in mappings,
  std::uint64_t span_mappings = 0;   // and how many these are
  std::uint64_t guards = 0;          // before blocks between guards
  std::uint64_t freed_mapped = 0;    // freed blocks between guards, whose mappings are kept,
  std::uint64_t freed_mappings = 0;  // and how many these are
  std::uint64_t freed_runs = 0;      // freed blocks in runs that are kept
};
BlockCounts block_counts();

// Frees the pages of a checked cache that hold no live object, and ends the checks of one without objects.
void shrink_cache(slab::Handle& cache);
void close_cache(slab::Handle& cache);

// What follows a line about misuse that api wrote: ends the process, unless debug_continue is on.
void end_of_misuse();

// Clears or poisons a block of pages that is about to be freed, as blocks are.
void fill_pages(void* start, std::size_t bytes);

// Checks all blocks, live and free, as freeing or reusing them would. The number of faults, each of which is reported.
std::size_t validate();

// The first rule of spans or of what threads have at hand that does not hold.
[[nodiscard, gnu::cold]] Broken validate_structures();

// True in a signal handler that interrupted this thread within this layer.
[[nodiscard]] inline bool interrupted() { return may_have_blocks() && heap::busy_apart; }

}  // namespace ashlar::check
