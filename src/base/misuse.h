// base: the lines that tell of misuse of malloc's functions: which one was called, with what, and what is wrong with
// it. Whoever finds the misuse adds what it knows, most often in brackets.
#pragma once

#include "base/text.h"

namespace ashlar {

using MisuseLine = Text<400>;

// "free(): double free of 0x7f0000001000: the block is already free"
[[nodiscard, gnu::cold]] MisuseLine double_free(const char* caller, const void* p, std::string_view kind = "block");

// "free(): invalid pointer 0x7f0000001000"
[[nodiscard, gnu::cold]] MisuseLine invalid_pointer(const char* caller, const void* p);

// The same, and ": not the start of a block".
[[nodiscard, gnu::cold]] MisuseLine not_a_start(const char* caller, const void* p, std::string_view kind = "block");

// Adds " (it lies 16 bytes inside the block of 64 bytes at 0x7f0000001000)".
[[gnu::cold]] void add_inside(MisuseLine& line, const void* p, std::uintptr_t start, std::size_t bytes,
                              std::string_view kind = "block");

// The parts of these lines, for reports that begin otherwise. They add
//   "double free of 0x7f0000001000 by free(): the block is already free"
//   "invalid pointer 0x7f0000001000 in free(): not the start of a block"
//   "16 bytes inside the block of 64 bytes at 0x7f0000001000", or "before" it, or "behind" it
// where `caller` is null without it.
[[gnu::cold]] void add_double_free(MisuseLine& line, const void* p, const char* caller,
                                   std::string_view kind = "block");
[[gnu::cold]] void add_not_a_start(MisuseLine& line, const void* p, const char* caller,
                                   std::string_view kind = "block");
[[gnu::cold]] void add_place(MisuseLine& line, const void* p, std::uintptr_t start, std::size_t bytes,
                             std::string_view kind = "block");

}  // namespace ashlar
