// os: what a frame record, which frame pointers lead to, says of the caller.
#pragma once

#include <cstdint>

#include "base/types.h"

namespace ashlar::os {

// Returns where the record of a frame is: the caller's frame pointer and its return address. A frame pointer leads to
// it, but on RISC-V to what follows it (RISC-V ABIs, psABI, "Frame Pointer Convention").
constexpr std::uintptr_t record_of(std::uintptr_t frame_pointer) {
#ifdef __riscv
  return frame_pointer - 2 * sizeof(std::uintptr_t);
#else
  return frame_pointer;
#endif
}

// Returns the address to which a function returns, of the word that it saved. On arm64 code that is compiled with
// -mbranch-protection signs the word (pointer authentication): bits above those of an address hold the signature.
constexpr std::uintptr_t return_address(std::uintptr_t saved) {
#ifdef __aarch64__
  return saved & ((std::uintptr_t{1} << kAddressBits) - 1);
#else
  return saved;
#endif
}

}  // namespace ashlar::os
