/* Ashlar: memory with mappings of its own, the kernel's vmalloc and its family (mm/vmalloc.c in the kernel's sources):
 * whole pages, an inaccessible guard page behind each area, given back to the system when freed.
 *
 * All functions are thread-safe; none is async-signal-safe. Where a function is said to write a line, that is one line
 * on stderr that begins with "ashlar: ". An area may also be given to free() and realloc(), as kvfree takes both.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ASHLAR_VMALLOC_H
#define ASHLAR_VMALLOC_H

#include "ashlar/ashlar.h"
#include "ashlar/pages.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An area of at least `size` bytes, at a multiple of the system's page. NULL with ENOMEM, or with EINVAL and a line for
 * a size of 0. The contents are zero: fresh mappings are; vzalloc says that they must be. As vmalloc and vzalloc. */
ASHLAR_API void* ashlar_vmalloc(size_t size) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));
ASHLAR_API void* ashlar_vzalloc(size_t size) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));

/* The area with another size, perhaps elsewhere, contents kept up to the smaller size. Page tables are moved; bytes
 * are copied only where mremap(2) is refused. The pages that are added are zero, with ASHLAR_GFP_ZERO and without it,
 * which is the only flag that is allowed. The rest of the old last page keeps its bytes: an area has no size but its
 * pages, so growing from 5000 to 6000 bytes clears nothing, unlike the kernel's vrealloc with __GFP_ZERO.
 *   NULL area, size above 0   as ashlar_vmalloc
 *   an area, size 0           frees the area, and returns NULL with errno kept
 *   NULL area, size 0         NULL with EINVAL and a line
 * On failure NULL with ENOMEM, or with EINVAL and a line if `area` starts none or other flags are given, and the area
 * is as before. As vrealloc. */
ASHLAR_API void* ashlar_vrealloc(void* area, size_t size, unsigned flags) ASHLAR_NOTHROW __attribute__((alloc_size(2)));

/* Frees an area, or one of malloc's blocks with a mapping of its own, or does nothing for NULL. Keeps errno, except
 * that it is EINVAL, with a line, if `area` starts none, or was freed before. As vfree. */
ASHLAR_API void ashlar_vfree(void* area) ASHLAR_NOTHROW;

/* 1 if an address lies in an area (also in one that malloc made for a large block), else 0; errno is kept. Takes time
 * in proportion to the number of areas. As is_vmalloc_addr. */
ASHLAR_API int ashlar_is_vmalloc_addr(const void* address) ASHLAR_NOTHROW ASHLAR_ADDRESS_ONLY(1);

#ifdef __cplusplus
}
#endif

#endif
