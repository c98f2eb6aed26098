// profile, private: where small samples lie: in slots of runs, whose pages have class 0, so that freeing one misses.
//
//   run  ┌──────────┬────────┬────────┬─────        16 KiB at a multiple of it; the first slot belongs to
//        │ (unused) │ slot 1 │ slot 2 │ …           nobody, so that no slot starts where the run does
//        └──────────┴────────┴────────┴─────        Objects of a page and more have a run of their own.
//
// Slots lie at multiples of the class's size, as objects in slabs do. Which are taken is in metadata. Protected by the
// one lock.
#pragma once

#include "profile/tables.h"

namespace ashlar::profile {

inline constexpr std::size_t kSlotsRunBytes = 16_KiB;

// A run of slots, in metadata that is never freed. The descriptor of the run leads here.
struct Slots {
  std::uintptr_t start = 0;  // 0: it has no run
  SizeClass size_class;
  std::uint16_t count = 0;  // with the first, which nobody gets
  std::uint16_t taken = 0;
  std::uint32_t next = 0, prev = 0;  // of those of its class with free slots, or of those without a run
  std::uint64_t used[kSlotsRunBytes / kMinAlign / 64] = {};
};

// The number of slots that hold a sample, for its record; kOwnRun for one that has a run of its own.
inline constexpr std::uint32_t kOwnRun = UINT32_MAX;

struct Slot {
  void* p = nullptr;
  std::uint32_t slots = 0;
  explicit operator bool() const { return p != nullptr; }
};

// A slot for an object of a class; empty when there is no memory.
Slot take_slot(SizeClass c) ASHLAR_REQUIRES(tables.lock);
void return_slot(Slot slot) ASHLAR_REQUIRES(tables.lock);

// The slots in whose run an address lies; null if there are none. Looks through all: for messages and descriptions.
const Slots* slots_around(const void* p) ASHLAR_REQUIRES(tables.lock);

SlotCounts count_slots(SizeClass c) ASHLAR_REQUIRES(tables.lock);

// True when p is a slot's start, or lies in slots, but none that is taken: it was freed already, or no block.
bool is_free_slot(const void* p) ASHLAR_REQUIRES(tables.lock);

}  // namespace ashlar::profile
