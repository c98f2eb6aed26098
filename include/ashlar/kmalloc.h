/* Ashlar: the kernel's kmalloc and kvmalloc and their families (include/linux/slab.h, mm/slub.c and mm/util.c in the
 * kernel's sources). Their blocks are those of ashlar_malloc, and may be given to its family, and to malloc's where
 * Ashlar replaces malloc. Blocks of ashlar_kvmalloc may also be areas of ashlar_vmalloc.
 *
 * Sizes are in bytes. Blocks are aligned to 16 bytes. All functions are thread-safe. None is async-signal-safe. "With
 * a line" means that the function also writes one line to stderr, which begins with "ashlar: ".
 *
 * Flags: ASHLAR_GFP_KERNEL and ASHLAR_GFP_ZERO. Others are refused with EINVAL and a line.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ASHLAR_KMALLOC_H
#define ASHLAR_KMALLOC_H

#include "ashlar/ashlar.h"
#include "ashlar/pages.h"

/* NOLINTBEGIN(modernize-use-using,readability-identifier-naming): C, with the names of C */
#ifdef __cplusplus
extern "C" {
#endif

/* Return a block of at least `size` bytes. If `size` is 0, return a unique block that can be freed, where the kernel
 * returns ZERO_SIZE_PTR. With ASHLAR_GFP_ZERO all bytes that ashlar_ksize counts are zero. ashlar_kzalloc is
 * ashlar_kmalloc with ASHLAR_GFP_ZERO. Return NULL with errno ENOMEM if there is no memory or `size` is above
 * PTRDIFF_MAX, or with EINVAL and a line for other flags. Thread-safe. Like the kernel's kmalloc and kzalloc. */
ASHLAR_API void* ashlar_kmalloc(size_t size, unsigned flags) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));
ASHLAR_API void* ashlar_kzalloc(size_t size, unsigned flags) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));

/* Changes the size of a block to `size` bytes and returns the block, which may have moved. The contents are kept up to
 * the smaller of the old and the new size. With ASHLAR_GFP_ZERO all bytes beyond the old size are zero, if each
 * earlier call for this block had the flag too.
 *
 *   NULL block   allocates as ashlar_kmalloc
 *   size 0       frees the block and returns NULL; errno does not change
 *
 * On failure returns NULL, and the block is unchanged: errno is ENOMEM if there is no memory, or EINVAL, with a line,
 * for other flags. Thread-safe. Like the kernel's krealloc. */
ASHLAR_API void* ashlar_krealloc(void* block, size_t size, unsigned flags) ASHLAR_NOTHROW
    __attribute__((alloc_size(2)));

/* Frees a block, an area of ashlar_vmalloc or an object of a cache. Does nothing for NULL. errno does not change.
 * Misuse is handled as by ashlar_free. Thread-safe. Like the kernel's kfree. */
ASHLAR_API void ashlar_kfree(void* block) ASHLAR_NOTHROW;

/* Returns how many bytes of a block may be used, which is at least the size that was requested. Returns 0 for NULL.
 * Thread-safe. Like the kernel's ksize, and malloc_usable_size(3). */
ASHLAR_API size_t ashlar_ksize(const void* block) ASHLAR_NOTHROW;

/* Allocate as ashlar_kmalloc and ashlar_kzalloc, except that a block of a page or more becomes an area with a mapping
 * of its own if there are not enough contiguous pages. Results and errors are those of ashlar_kmalloc. Thread-safe.
 * Like the kernel's kvmalloc and kvzalloc. */
ASHLAR_API void* ashlar_kvmalloc(size_t size, unsigned flags) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));
ASHLAR_API void* ashlar_kvzalloc(size_t size, unsigned flags) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));

/* Frees a block of ashlar_kvmalloc or ashlar_kvzalloc, as ashlar_kfree does. Thread-safe. Like the kernel's kvfree. */
ASHLAR_API void ashlar_kvfree(void* block) ASHLAR_NOTHROW;

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-use-using,readability-identifier-naming) */

#endif
