// unwind, private: caches steps from a frame to its caller's that the tables gave before, in 48 bytes each. A stack
// whose functions are cached is followed without the tables (cfi.cc). Most are, since stacks begin and end alike.
//
// No lock: one thread at a time sets an entry's mark, and a thread that finds it set does without the entry, also in a
// signal handler or in the child of a fork.
#pragma once

#include "unwind/unwind.h"

namespace ashlar::unwind {

// Where the caller's registers are saved, in words from the frame's address; 0: unchanged.
inline constexpr unsigned kSavedRegisters[] = {3, kFrameRegister, 12, 13, 14, 15, kCodeRegister};
inline constexpr unsigned kSaved = sizeof kSavedRegisters / sizeof *kSavedRegisters;
struct KnownStep {
  static constexpr std::uint8_t kNone = 0xff;  // as cfa_register: no frame calls this one, as the tables say
  std::uint32_t cfa_offset = 0;
  std::uint8_t cfa_register = 0;
  std::int8_t at[kSaved] = {};
};

// Reads the step at an address of code. Returns false if it is not cached. The entry of the tables that gave it is
// compared with its contents at that time, since other code may have replaced unloaded code at these addresses.
bool find_step(const Tables& tables, std::uintptr_t code, KnownStep& step);

// Caches a step that the tables' entry at `entry` gave. It replaces the step that has the same place.
void note_step(const Tables& tables, std::uintptr_t code, std::uintptr_t entry, const KnownStep& step);

}  // namespace ashlar::unwind
