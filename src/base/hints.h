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

// For functions and constants that neither a small process nor the child of a fork uses. They are placed beside the
// code that purges.
#define ASHLAR_RUN_LATER gnu::section(".text.unlikely.later")
#define ASHLAR_READ_FIRST_ONLY gnu::section(".rodata.z_second")

// For texts that every process reads at its start. Otherwise the linker would put them among all other texts.
#define ASHLAR_ALWAYS_READ gnu::section(".rodata.first")

// For functions that every process runs, in sources of which most processes run little else. They are placed with the
// other functions that all processes run.
#define ASHLAR_ALWAYS_RUN gnu::section(".text.first")

}  // namespace ashlar
