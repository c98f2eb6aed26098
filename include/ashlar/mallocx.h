/* Ashlar: allocation with alignment and zeros in one call, jemalloc's mallocx(3) and its family. Blocks are
 * ashlar_malloc's, and may be given to its family, and to malloc's where Ashlar replaces malloc.
 *
 * Sizes and alignments are in bytes. Blocks are aligned to 16 bytes if no flag asks for more. All functions are
 * thread-safe; none is async-signal-safe. Where a function is said to write a line, that is one line on stderr that
 * begins with "ashlar: ".
 *
 * SPDX-License-Identifier: MIT */
#ifndef ASHLAR_MALLOCX_H
#define ASHLAR_MALLOCX_H

#include "ashlar/ashlar.h"

/* NOLINTBEGIN(modernize-use-using,readability-identifier-naming): C, with the names of C */
#ifdef __cplusplus
extern "C" {
#endif

/* Flags of all functions here, joined by |. Bits 0 to 5 are the logarithm of an alignment, bit 6 asks for zeros, bit 7
 * and bits 8 to 31 are for later use and must be 0. Each function refuses other flags with EINVAL and a line. */
#define ASHLAR_X_LG_ALIGN(la) ((unsigned)(la))                           /* at a multiple of 2^la, la 0 to 62 */
#define ASHLAR_X_ALIGN(a) ((unsigned)__builtin_ctzl((unsigned long)(a))) /* the same by a, a power of two */
#define ASHLAR_X_ZERO 0x40u                                              /* new bytes are zero */

/* A block of at least `size` bytes; for 0 a block of its own. NULL with ENOMEM; NULL with EINVAL and a line for bad
 * flags. With ASHLAR_X_ZERO all bytes that ashlar_sallocx counts are zero. */
ASHLAR_API void* ashlar_mallocx(size_t size, unsigned flags) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));

/* The block with another size and alignment, perhaps elsewhere, contents kept up to the smaller size. It never frees:
 * size 0 counts as 1. With ASHLAR_X_ZERO the bytes up to the new ashlar_sallocx are zero, from the old one on, or from
 * `size` if that is less: all beyond the old size, if ashlar_mallocx and each ashlar_rallocx of the block had it.
 * For a NULL block as ashlar_mallocx. On failure NULL as there, and the block is as before. */
ASHLAR_API void* ashlar_rallocx(void* block, size_t size, unsigned flags) ASHLAR_NOTHROW __attribute__((alloc_size(2)));

/* Gives the block another size where it stands: at least `size` bytes, and up to size + extra if they are to be had.
 * Returns its usable bytes afterwards: less than `size` if it could not grow, more than size + extra if it could not
 * shrink. Small blocks stay as they are; blocks of whole pages grow into free pages behind them. With ASHLAR_X_ZERO the
 * bytes that it gains are zero. 0 with EINVAL and a line for flags; alignments are ignored here. */
ASHLAR_API size_t ashlar_xallocx(void* block, size_t size, size_t extra, unsigned flags) ASHLAR_NOTHROW;

/* The bytes that may be used at a block, as ashlar_malloc_usable_size. 0 with EINVAL and a line for flags. */
ASHLAR_API size_t ashlar_sallocx(const void* block, unsigned flags) ASHLAR_NOTHROW;

/* Frees a block, or does nothing for NULL; with the size that was asked for, or any up to ashlar_nallocx of it, which
 * checks look at (ashlar_free_sized). Keeps errno, except that for bad flags it is EINVAL, with a line, and the block
 * stays. */
ASHLAR_API void ashlar_dallocx(void* block, unsigned flags) ASHLAR_NOTHROW;
ASHLAR_API void ashlar_sdallocx(void* block, size_t size, unsigned flags) ASHLAR_NOTHROW;

/* The largest size, at least `size`, whose blocks take no more memory than those of `size`: so many bytes may be asked
 * for at no price. 0 for 0, for sizes above PTRDIFF_MAX and, with EINVAL and a line, for bad flags. Blocks may have
 * more usable bytes than that. Where blocks are checked (slab_debug, harden) it is `size`. good_size is nallocx without
 * flags, as macOS's malloc_good_size(3). */
ASHLAR_API size_t ashlar_nallocx(size_t size, unsigned flags) ASHLAR_NOTHROW;
ASHLAR_API size_t ashlar_good_size(size_t size) ASHLAR_NOTHROW;

/* Gives the free blocks and objects that the calling thread has at hand to those that all threads share, for a thread
 * that will sleep for long. Its next calls are slow ones. Nothing in a signal handler that interrupted malloc. errno is
 * kept. As jemalloc's thread.tcache.flush. */
ASHLAR_API void ashlar_thread_flush(void) ASHLAR_NOTHROW;

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-use-using,readability-identifier-naming) */

#endif
