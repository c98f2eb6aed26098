// profile, private: the memory of small samples: slots of runs whose pages have class 0, so that freeing a sample
// misses.
//
//   run  ┌──────────┬────────┬────────┬─────        16 KiB at a multiple of it; the first slot belongs to
//        │ (unused) │ slot 1 │ slot 2 │ …           nobody, so that no slot starts where the run does
//        └──────────┴────────┴────────┴─────        Objects of a page and more have a run of their own.
//
// Slots are at multiples of the class's size, like objects in slabs. Which slots are taken is stored in metadata.
// Protected by the lock of the tables.
#pragma once

#include "profile/tables.h"

namespace ashlar::profile {

inline constexpr std::size_t kSlotsRunBytes = 16_KiB;

// A run of slots. The record is in metadata that is never freed, and the descriptor of the run leads to it.
struct Slots {
  std::uintptr_t start = 0;  // 0: it has no run
  SizeClass size_class;
  std::uint16_t count = 0;  // including the first, which is never used
  std::uint16_t taken = 0;
  std::uint32_t next = 0, prev = 0;  // in the list of its class's runs with free slots, or of records without a run
  std::uint64_t used[kSlotsRunBytes / kMinAlign / 64] = {};
};

// All slots: of a profile that has any.
struct SlotTable {
  Chunked<Slots, 16, 16384> slots;  // indexed from 1, as records are
  std::uint32_t partial[slab::kClasses] = {};
  std::uint32_t unused = 0;
};

// What a sample's record stores of its slot: the index of the Slots, or kOwnRun for a sample that has a run of its own.
inline constexpr std::uint32_t kOwnRun = UINT32_MAX;

struct Slot {
  void* p = nullptr;
  std::uint32_t slots = 0;
  explicit operator bool() const { return p != nullptr; }
};

// Takes a slot for an object of a class. Returns an empty one when there is no memory.
Slot take_slot(SizeClass c) ASHLAR_REQUIRES(tables.lock);
void return_slot(Slot slot) ASHLAR_REQUIRES(tables.lock);

// Returns the slots whose run contains an address, or null. Searches all of them, so it is only for messages and
// descriptions.
const Slots* slots_around(const void* p) ASHLAR_REQUIRES(tables.lock);

SlotCounts count_slots(SizeClass c) ASHLAR_REQUIRES(tables.lock);

// Returns true when p is the start of a slot, or is in slots, and is no taken slot: it was freed already, or is no
// block.
bool is_free_slot(const void* p) ASHLAR_REQUIRES(tables.lock);

}  // namespace ashlar::profile
