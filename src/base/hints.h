// base: hints to the compiler for the few instructions of the fast paths. They change no meaning.
#pragma once

#include <cstdint>

namespace ashlar {

// Makes the compiler forget how it computed `value`, which stays in a register. Otherwise GCC spends an instruction to
// compute an address that two accesses share, or to return a pointer from a second register.
template <class T>
[[gnu::always_inline]] inline void forget_origin(T& value) {
  asm("" : "+r"(value));
}

// For small variables of each thread, which would take 8 bytes among pointers: the linker sorts them behind these.
// glibc has little room for those of a library that is loaded while threads run.
#define ASHLAR_THREAD_FLAG gnu::section(".tbss.zz_flags")

// For large tables of which a process touches little: the linker sorts them after all other zero-initialised data,
// so that the other data shares a few pages.
#define ASHLAR_SPARSE gnu::section(".bss.zz_sparse")

// For large constants that few processes read: what all of them read then shares fewer pages (package/layout.ld).
#define ASHLAR_SELDOM_READ gnu::section(".rodata.zz_seldom")

// The same for functions, where gnu::cold would have them compiled for size.
#define ASHLAR_SELDOM_RUN gnu::section(".text.unlikely.seldom")

// For functions and constants of which a small process, or the child of a fork, has no use: they lie beside what gives
// memory back.
#define ASHLAR_RUN_LATER gnu::section(".text.unlikely.later")
#define ASHLAR_READ_FIRST_ONLY gnu::section(".rodata.z_second")

// For texts that every process reads at its start, which the linker would put with all others.
#define ASHLAR_ALWAYS_READ gnu::section(".rodata.first")

// For functions that every process runs, of sources of which most run little else: they lie with what all run.
#define ASHLAR_ALWAYS_RUN gnu::section(".text.first")

}  // namespace ashlar
