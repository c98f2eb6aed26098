// os: the counters of bench/scaling: locks taken, how long they are held and waited for, and what is exchanged between
// levels. The release library has none of them: the calls are discarded where the macro ASHLAR_COUNTING is not defined.
//
// Defined in bench/scalability/tally.cc, which the library libashlar-counting.so has in addition to the layers.
#pragma once

#include <cstdint>

namespace ashlar {

enum class LockRank : std::uint8_t;

namespace tally {

// A constant rather than an #if, so that every branch always compiles.
#ifdef ASHLAR_COUNTING
inline constexpr bool kOn = true;
#else
inline constexpr bool kOn = false;
#endif

enum class Event : std::uint8_t {
  kAllocated,    // calls of malloc and its relatives
  kFreed,        // calls of free and its relatives, NULL excepted
  kReallocated,  // calls of realloc: one pair each
  // Magazines that a bin takes from a level, and returns to it: the bin's own second magazine, the processor's stock,
  // the depot, the slabs.
  kFromThread,
  kToThread,
  kFromStock,
  kToStock,
  kFromDepot,
  kToDepot,
  kFromSlabs,
  kToSlabs,
  // Runs of pages: the processor's list, the zone, mappings that are kept, new mappings.
  kRunFromList,
  kRunToList,
  kRunFromZone,
  kRunToZone,
  kRunFromKept,
  kRunFromMap,
  // Pages of slabs.
  kSlabFromZone,
  kSlabToZone,
};
inline constexpr unsigned kEvents = static_cast<unsigned>(Event::kSlabToZone) + 1;

// Thread-safe.
void add(Event event, std::uint64_t times);

inline void count(Event event, std::uint64_t times = 1) {
  if constexpr (kOn) add(event, times);
}

// Counts a block that is freed; NULL does not count.
inline void count_freed(const void* p) {
  if constexpr (kOn) add(Event::kFreed, p != nullptr ? 1 : 0);
}

// Returns the time in nanoseconds, never 0.
std::uint64_t now();

// Notes that the calling thread has taken a lock, for which it has waited since `waited_since`; 0: it did not wait.
void taken(const void* lock, LockRank rank, std::uint64_t waited_since);

// Notes that the calling thread is about to release the lock.
void released(LockRank rank);

// Notes that the calling thread found the lock held and does without it.
void missed(const void* lock, LockRank rank);

}  // namespace tally

}  // namespace ashlar
