/* Ashlar: allocation with an alignment and zeros in one call, like jemalloc's mallocx and its family (jemalloc(3)).
 * Their blocks are those of ashlar_malloc, and may be given to its family, and to malloc's where Ashlar replaces
 * malloc.
 *
 * Sizes and alignments are in bytes. Blocks are aligned to 16 bytes if no flag asks for more. All functions are
 * thread-safe. None is async-signal-safe. "With a line" means that the function also writes one line to stderr, which
 * begins with "ashlar: ".
 *
 * SPDX-License-Identifier: MIT */
#ifndef ASHLAR_MALLOCX_H
#define ASHLAR_MALLOCX_H

#include "ashlar/ashlar.h"
#include "ashlar/heap.h"

/* NOLINTBEGIN(modernize-use-using,readability-identifier-naming): C, with the names of C */
#ifdef __cplusplus
extern "C" {
#endif

/* Flags of all functions here, joined by |. Bits 0 to 5 are the binary logarithm of an alignment, and bit 6 asks for
 * zeros. Bit 7 and bits 8 to 31 are reserved and must be 0. Each function refuses other flags with EINVAL and a
 * line. */
#define ASHLAR_X_LG_ALIGN(la) ((unsigned)(la))                           /* aligned to 2^la, where la is 0 to 62 */
#define ASHLAR_X_ALIGN(a) ((unsigned)__builtin_ctzl((unsigned long)(a))) /* aligned to a, a power of two */
#define ASHLAR_X_ZERO 0x40u                                              /* new bytes are zero */

/* Returns a block of at least `size` bytes. If `size` is 0, returns a unique block that can be freed. With
 * ASHLAR_X_ZERO all bytes that ashlar_sallocx counts are zero. Returns NULL with errno ENOMEM if there is no memory,
 * or with EINVAL and a line for bad flags. Thread-safe. Like jemalloc's mallocx. */
ASHLAR_API void* ashlar_mallocx(size_t size, unsigned flags) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));

/* Changes the size and the alignment of a block and returns the block, which may have moved. The contents are kept up
 * to the smaller of the old and the new size. A NULL block is allocated as by ashlar_mallocx. The function never
 * frees: a `size` of 0 counts as 1.
 *
 * With ASHLAR_X_ZERO the bytes from the old ashlar_sallocx, or from `size` if that is smaller, up to the new
 * ashlar_sallocx are zero. If ashlar_mallocx and each earlier ashlar_rallocx of the block had the flag, all bytes
 * beyond the old size are zero.
 *
 * On failure returns NULL with errno as ashlar_mallocx, and the block is unchanged. Thread-safe. Like jemalloc's
 * rallocx. */
ASHLAR_API void* ashlar_rallocx(void* block, size_t size, unsigned flags) ASHLAR_NOTHROW __attribute__((alloc_size(2)));

/* Do the same with a heap (ashlar/heap.h): allocate a block of the heap, and change the size and the alignment of a
 * block of the heap, which stays in the heap. ashlar_sallocx, ashlar_dallocx and ashlar_sdallocx take such a block,
 * too. Errors are those of ashlar_mallocx and ashlar_rallocx. Also return NULL with errno ENOMEM if the heap's limit is
 * reached, or with EINVAL and a line if `heap` is not a heap or `block` is not the heap's. Thread-safe. Like jemalloc's
 * MALLOCX_ARENA. */
ASHLAR_API void* ashlar_heap_mallocx(ashlar_heap* heap, size_t size, unsigned flags) ASHLAR_NOTHROW
    __attribute__((malloc, alloc_size(2)));
ASHLAR_API void* ashlar_heap_rallocx(ashlar_heap* heap, void* block, size_t size, unsigned flags) ASHLAR_NOTHROW
    __attribute__((alloc_size(3)));

/* Resizes a block without moving it, to at least `size` bytes and up to size + extra if possible, and returns its
 * usable bytes afterwards. The result is less than `size` if the block could not grow, and more than size + extra if
 * it could not shrink. Small blocks keep their size. Blocks of whole pages grow into free pages that follow them. With
 * ASHLAR_X_ZERO the bytes that are added are zero. An alignment in `flags` is ignored. Returns 0 with errno EINVAL and
 * a line for bad flags or a NULL block. Thread-safe. Like jemalloc's xallocx. */
ASHLAR_API size_t ashlar_xallocx(void* block, size_t size, size_t extra, unsigned flags) ASHLAR_NOTHROW;

/* Returns how many bytes of a block may be used, as ashlar_malloc_usable_size does. Returns 0 with errno EINVAL and a
 * line for bad flags. Thread-safe. Like jemalloc's sallocx. */
ASHLAR_API size_t ashlar_sallocx(const void* block, unsigned flags) ASHLAR_NOTHROW;

/* Free a block. Do nothing if `block` is NULL. ashlar_sdallocx also takes the size that was requested, or any size up
 * to ashlar_nallocx of it, which slab_debug and harden compare as for ashlar_free_sized. errno does not change on
 * success. For bad flags errno is EINVAL, a line is written, and nothing is freed. Thread-safe. Like jemalloc's
 * dallocx and sdallocx. */
ASHLAR_API void ashlar_dallocx(void* block, unsigned flags) ASHLAR_NOTHROW;
ASHLAR_API void ashlar_sdallocx(void* block, size_t size, unsigned flags) ASHLAR_NOTHROW;

/* ashlar_nallocx returns the largest size whose blocks take no more memory than those of `size`, so that many bytes
 * may be requested at no extra cost. Blocks may have more usable bytes than that. Where blocks are checked
 * (slab_debug, harden) the result is `size`. It is 0 for a size of 0 or above PTRDIFF_MAX, and 0 with errno EINVAL and
 * a line for bad flags. ashlar_good_size is ashlar_nallocx without flags. Thread-safe. Like jemalloc's nallocx and
 * macOS's malloc_good_size(3). */
ASHLAR_API size_t ashlar_nallocx(size_t size, unsigned flags) ASHLAR_NOTHROW;
ASHLAR_API size_t ashlar_good_size(size_t size) ASHLAR_NOTHROW;

/* Moves the free blocks and objects in the calling thread's magazines to the stocks that all threads share. A thread
 * calls it before it sleeps for a long time; its next allocations are slow ones. Does nothing in a signal handler that
 * interrupted malloc. errno does not change. Thread-safe. Like jemalloc's thread.tcache.flush. */
ASHLAR_API void ashlar_thread_flush(void) ASHLAR_NOTHROW;

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-use-using,readability-identifier-naming) */

#endif
