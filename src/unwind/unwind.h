// unwind: the stack of the calling thread, captured without malloc and without a lock. On x86-64 it
// follows the tables for exceptions (.eh_frame) of the code, like gdb and libgcc, which it finds by _dl_find_object
// (glibc 2.35). It follows frame pointers where code has no tables (assembly, just-in-time compilers), and on other
// machines.
//
// The code may do anything (other stacks, coroutines, registers used for other purposes). So a system call that cannot
// fault checks each page of a stack before it is read. The stack ends where it cannot be followed.
//
// All functions may be called by any thread and in signal handlers. They take no lock, and no memory.
//
// Functions that are not in stack.cc are defined in cfi.cc.
#pragma once

#include <cstdint>

#include "os/os.h"

namespace ashlar::unwind {

inline constexpr std::uint32_t kFrames = 64;

// Return addresses, the innermost first. None are in this library, except where it is linked into the program.
struct Stack {
  std::uint32_t depth = 0;
  std::uintptr_t frames[kFrames];
};

// Finds what capture needs from libc. Called before the first capture, with no lock held.
void prepare_stacks();

// Returns whether the tables of all code are found, also of what is loaded later. Precondition: stacks are prepared.
[[nodiscard]] bool finds_all_code();

// Writes the calling thread's stack, `max` frames at most, and returns how many.
std::uint32_t capture(std::uintptr_t* frames, std::uint32_t max);
inline void capture(Stack& stack) { stack.depth = capture(stack.frames, kFrames); }

// --- Private to this layer

// Reads words of the stack. A read returns false where nothing is mapped.
class StackReader {
 public:
  // Precondition: the page of `sp` is mapped.
  explicit StackReader(std::uintptr_t sp) : known_(sp / kPageBytes) {}
  bool read(std::uintptr_t address, std::uintptr_t& into) {
    if (address / kPageBytes != known_ || address % sizeof address != 0) return read_anew(address, into);
    into = *reinterpret_cast<const std::uintptr_t*>(address);
    return true;
  }

 private:
  bool read_anew(std::uintptr_t address, std::uintptr_t& into);

  std::uintptr_t known_;  // the page that was read last, which is mapped
};

// The registers of a frame by their numbers in DWARF (x86-64 ABI, 3.6.2). The last one is the address of its code.
inline constexpr unsigned kRegisters = 17, kFrameRegister = 6, kStackRegister = 7, kCodeRegister = 16;
struct Frame {
  std::uintptr_t registers[kRegisters] = {};
  bool interrupted = false;  // by a signal: it continues at the address, not after a call before it
};

// Where an object's code and its tables are.
struct Tables {
  std::uintptr_t start = 0, end = 0;
  std::uintptr_t index = 0;  // .eh_frame_hdr
};

// Steps from a frame to its caller's by the tables. Returns kUnknown if they do not say.
enum class Step : std::uint8_t { kDone, kUnknown, kEnd };
Step step_by_tables(const Tables& tables, Frame& frame, StackReader& memory);

}  // namespace ashlar::unwind
