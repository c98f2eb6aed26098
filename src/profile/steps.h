// profile, private: steps from a frame to its caller's that the tables told before, in 48 bytes each, so that a stack
// whose functions are known is followed without the tables (cfi.cc): most are, as stacks begin and end alike.
//
// No lock: each entry has a mark that one thread at a time sets, and who finds it set does without the entry, be it a
// signal handler or the child of a fork in between.
#pragma once

#include "profile/stack.h"

namespace ashlar::profile {

// Where the caller's registers are, in words from the frame's address; 0: as they were.
inline constexpr unsigned kSavedRegisters[] = {3, kFrameRegister, 12, 13, 14, 15, kCodeRegister};
inline constexpr unsigned kSaved = sizeof kSavedRegisters / sizeof *kSavedRegisters;
struct KnownStep {
  std::uint32_t cfa_offset = 0;
  std::uint8_t cfa_register = 0;
  std::int8_t at[kSaved] = {};
};

// The step at an address of code; false if it is not known. What the tables say at the entry that told it is compared
// with what they said then: code that was unloaded may have left its addresses to other code.
bool find_step(const Tables& tables, std::uintptr_t code, KnownStep& step);

// Remembers a step, which the entry of the tables at `entry` tells, in the place of one that has its place.
void note_step(const Tables& tables, std::uintptr_t code, std::uintptr_t entry, const KnownStep& step);

}  // namespace ashlar::profile
