// profile, private: the stack of the thread that allocates, without malloc and without a lock. On x86-64 by the tables
// for exceptions (.eh_frame) of the code that is on it, as gdb and libgcc do, found by _dl_find_object (glibc 2.35),
// and by frame pointers where code has no tables (assembly, just-in-time compilers); elsewhere by frame pointers.
//
// Whatever the code does (other stacks, coroutines, registers used for something else), each page of a stack is looked
// at by a system call that cannot fault before it is read. What cannot be followed ends the stack.
//
// What is not in stack.cc is defined in cfi.cc.
#pragma once

#include <cstdint>

#include "os/os.h"

namespace ashlar::profile {

inline constexpr std::uint32_t kFrames = 64;

// Return addresses, the innermost first; none in this library, except where it is linked into the program.
struct Stack {
  std::uint32_t depth = 0;
  std::uintptr_t frames[kFrames];
};

// Looks for what capture needs of libc: when a profile starts, with no lock held.
void prepare_stacks();

void capture(Stack& stack);

// Reads of the stack: false where nothing is mapped.
class StackReader {
 public:
  // `sp` lies in a page that is there.
  explicit StackReader(std::uintptr_t sp) : known_(sp / kPageBytes) {}
  bool read(std::uintptr_t address, std::uintptr_t& into);

 private:
  std::uintptr_t known_;  // the page that was read last, which is there
};

// The registers of a frame by their numbers in DWARF (x86-64 ABI, 3.6.2); the last is the address of its code.
inline constexpr unsigned kRegisters = 17, kFrameRegister = 6, kStackRegister = 7, kCodeRegister = 16;
struct Frame {
  std::uintptr_t registers[kRegisters] = {};
  bool interrupted = false;  // by a signal: its code is at the address, not before it
};

// Where an object's code and its tables lie.
struct Tables {
  std::uintptr_t start = 0, end = 0;
  std::uintptr_t index = 0;  // .eh_frame_hdr
};

// From a frame to its caller's, by the tables. False if they do not say.
enum class Step : std::uint8_t { kDone, kUnknown, kEnd };
Step step_by_tables(const Tables& tables, Frame& frame, StackReader& memory);

}  // namespace ashlar::profile
