/* Ashlar: blocks by the kernel's names, kmalloc and kvmalloc and their families (include/linux/slab.h, mm/slub.c and
 * mm/util.c in the kernel's sources). They are ashlar_malloc's blocks, and may be given to its family, and to malloc's
 * where Ashlar replaces malloc; those of kvmalloc may also be areas of ashlar_vmalloc.
 *
 * Sizes are in bytes. Blocks are aligned to 16 bytes. All functions are thread-safe; none is async-signal-safe. Where a
 * function is said to write a line, that is one line on stderr that begins with "ashlar: ".
 *
 * Flags: ASHLAR_GFP_KERNEL and ASHLAR_GFP_ZERO. Others are refused.
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

/* A block of at least `size` bytes, for 0 a block of its own (the kernel gives ZERO_SIZE_PTR). With ASHLAR_GFP_ZERO all
 * bytes that ashlar_ksize counts are zero. NULL with ENOMEM when there is no memory or size is above PTRDIFF_MAX; NULL
 * with EINVAL and a line for other flags. kzalloc is kmalloc with ASHLAR_GFP_ZERO. As kmalloc and kzalloc. */
ASHLAR_API void* ashlar_kmalloc(size_t size, unsigned flags) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));
ASHLAR_API void* ashlar_kzalloc(size_t size, unsigned flags) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));

/* The block with another size, perhaps elsewhere, contents kept up to the smaller size. With ASHLAR_GFP_ZERO all bytes
 * beyond the old size are zero if each earlier call for this block had the flag too.
 *   NULL block        as ashlar_kmalloc
 *   size 0            frees the block and returns NULL with errno kept
 * On failure NULL with ENOMEM, or with EINVAL and a line for other flags, and the block is as before. As krealloc. */
ASHLAR_API void* ashlar_krealloc(void* block, size_t size, unsigned flags) ASHLAR_NOTHROW
    __attribute__((alloc_size(2)));

/* Frees a block, an area of ashlar_vmalloc or an object of a cache, or does nothing for NULL. Keeps errno. As kfree. */
ASHLAR_API void ashlar_kfree(void* block) ASHLAR_NOTHROW;

/* The bytes that may be used at a block, at least those asked for; 0 for NULL. As ksize, and malloc_usable_size(3). */
ASHLAR_API size_t ashlar_ksize(const void* block) ASHLAR_NOTHROW;

/* As ashlar_kmalloc and ashlar_kzalloc, but where there are not so many pages in a row, a block of a page or more
 * becomes an area with a mapping of its own. As kvmalloc and kvzalloc. */
ASHLAR_API void* ashlar_kvmalloc(size_t size, unsigned flags) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));
ASHLAR_API void* ashlar_kvzalloc(size_t size, unsigned flags) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));

/* Frees what these gave, as ashlar_kfree. As kvfree. */
ASHLAR_API void ashlar_kvfree(void* block) ASHLAR_NOTHROW;

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-use-using,readability-identifier-naming) */

#endif
