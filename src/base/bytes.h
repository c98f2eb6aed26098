// base: copies and fills of whole blocks, by the C library.
//
// GCC knows memcpy(3) and memset(3), and in a source that is compiled for size it puts `rep movsb` and `rep stosb` in
// their place, which are slow on a processor without fast short ones (bench/JOURNAL.md has figures). The C library's
// functions are made for the processor that runs them. Under the names here the compiler does not know them. They are
// for the bytes of programs; objects of a few bytes, or of a constant size, need neither.
#pragma once

#include <cstddef>

namespace ashlar {

extern "C" {
void* ashlar_libc_memcpy(void* to, const void* from, std::size_t bytes) noexcept __asm__("memcpy");
void* ashlar_libc_memset(void* block, int byte, std::size_t bytes) noexcept __asm__("memset");
}

// memcpy(3): the blocks do not overlap. Returns `to`.
inline void* copy_block(void* to, const void* from, std::size_t bytes) { return ashlar_libc_memcpy(to, from, bytes); }

// memset(3). Returns `block`.
inline void* fill_block(void* block, int byte, std::size_t bytes) { return ashlar_libc_memset(block, byte, bytes); }
inline void* clear_block(void* block, std::size_t bytes) { return fill_block(block, 0, bytes); }

}  // namespace ashlar
