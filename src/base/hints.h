// base: hints to the compiler and the linker, for the fast paths and for the layout of sections. They do not change
// what the code does.
#pragma once

#include <cstdint>

namespace ashlar {

// Makes the compiler forget how it computed `value`, which stays in a register. Otherwise GCC spends an instruction to
// compute an address that two accesses share, or to return a pointer from a second register.
template <class T>
[[gnu::always_inline]] inline void forget_origin(T& value) {
  asm("" : "+r"(value));
}

// For thread-local variables smaller than 8 bytes. The linker sorts them behind the pointers, where they need no
// padding. glibc has little thread-local space for a library that is loaded while threads run.
#define ASHLAR_THREAD_FLAG gnu::section(".tbss.zz_flags")

// For large tables of which a process touches little. The linker sorts them after all other zero-initialised data, so
// that the other data shares few pages.
#define ASHLAR_SPARSE gnu::section(".bss.zz_sparse")

// For large constants that few processes read. The constants that all processes read then share fewer pages
// (package/layout.ld).
#define ASHLAR_SELDOM_READ gnu::section(".rodata.zz_seldom")

// For functions that few processes run. They are kept apart like cold ones, but gnu::cold would compile them for size.
#define ASHLAR_SELDOM_RUN gnu::section(".text.unlikely.seldom")

// For functions and constants that neither a small process nor the child of a fork uses. They come beside
// ASHLAR_OFTEN_RUN's.
#define ASHLAR_RUN_LATER gnu::section(".text.unlikely.later")
#define ASHLAR_READ_FIRST_ONLY gnu::section(".rodata.z_second")

// For texts that every process reads at its start, of functions that are not ASHLAR_ALWAYS_RUN.
#define ASHLAR_ALWAYS_READ gnu::section(".rodata.first")

// For functions that every process runs, and what it runs next to them. With the constants of theirs they come first in
// the library's file (package/layout.ld). GCC ignores the attribute of templates, and gives an inline function that has
// it no comdat group: helpers of such functions are to be inlined.
#define ASHLAR_ALWAYS_RUN gnu::section(".text.first")

// For functions that a process runs which has options, slob's among them, or which gives memory back. They come second.
#define ASHLAR_OFTEN_RUN gnu::section(".text.second")

}  // namespace ashlar
