// check, private: what the bytes of and around a block must be.
#pragma once

#include "check/regions.h"

namespace ashlar::check {

// What is wrong, and where the first wrong byte is.
struct Damage {
  std::string_view what;
  std::uintptr_t address = 0;
  unsigned char expected = 0;
  explicit operator bool() const { return address != 0; }
};

void fill(std::uintptr_t start, std::uintptr_t end, unsigned char byte);

// The first byte in [start, end) that is not `byte`, or 0.
std::uintptr_t find_other(std::uintptr_t start, std::uintptr_t end, unsigned char byte);

// Sets what stays at the end of a slot, before it is handed out for the first time.
void prepare_fresh(SlotRef slot);

// Sets the zones around a block that is about to be handed out, and poisons its bytes.
void fill_live(SlotRef slot, Cell cell);
Damage check_live(SlotRef slot, Cell cell);

// Under harden: of the free memory beside the slot of a live block; and of a slot before its first use.
Damage check_beside(SlotRef slot);
Damage check_fresh(SlotRef slot);

// Clears or poisons a block that was freed.
void fill_freed(SlotRef slot, Cell cell);
Damage check_freed(SlotRef slot, Cell cell);

// Makes a live block's zones, a freed block, or a wrong byte beside them whole again.
void repair(SlotRef slot, Cell cell, const Damage& damage);

// The same for guarded blocks; freed ones cannot be accessed.
void fill_guarded(const Guarded& block);
Damage check_guarded(const Guarded& block);
// The same of one that another thread may free meanwhile (guarded.cc); nothing if it is not live.
Damage look_at_zones(const Guarded& block);

}  // namespace ashlar::check
