// os: what bench/scaling counts: locks taken, how long they are held and waited for, and what is exchanged between
// levels. The release library has none of it: the calls are discarded where the macro ASHLAR_COUNTING is not defined.
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
  // Magazines that a bin gets from, and passes on to, a level: the bin's own second magazine, the processor's stock,
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

// Of a block that is freed; NULL does not count.
inline void count_freed(const void* p) {
  if constexpr (kOn) add(Event::kFreed, p != nullptr ? 1 : 0);
}

// The time in nanoseconds, never 0.
std::uint64_t now();

// The calling thread has taken a lock. It waits since `waited_since`, 0: it did not wait.
void taken(const void* lock, LockRank rank, std::uint64_t waited_since);

// The calling thread is about to release it.
void released(LockRank rank);

// The calling thread found it held, and does without.
void missed(const void* lock, LockRank rank);

}  // namespace tally

}  // namespace ashlar
