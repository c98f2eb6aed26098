/* Ashlar: areas of whole pages with a mapping of their own, like the kernel's vmalloc and its family (mm/vmalloc.c in
 * the kernel's sources). An inaccessible guard page follows each area. A freed area is returned to the system.
 *
 * All functions are thread-safe. None is async-signal-safe. "With a line" means that the function also writes one line
 * to stderr, which begins with "ashlar: ". An area may also be given to free() and realloc(), like kvfree takes both.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ASHLAR_VMALLOC_H
#define ASHLAR_VMALLOC_H

#include "ashlar/ashlar.h"
#include "ashlar/pages.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Return an area of at least `size` bytes at a multiple of the system's page size. All bytes are zero, since fresh
 * mappings are; ashlar_vzalloc states that the caller relies on it. Return NULL with errno ENOMEM if there is no
 * memory or `size` is above PTRDIFF_MAX, or with EINVAL and a line if `size` is 0. Thread-safe. Like the kernel's
 * vmalloc and vzalloc. */
ASHLAR_API void* ashlar_vmalloc(size_t size) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));
ASHLAR_API void* ashlar_vzalloc(size_t size) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));

/* Changes the size of an area to `size` bytes and returns the area, which may have moved. The contents are kept up to
 * the smaller of the old and the new size. Page tables are moved; bytes are copied only if mremap(2) is refused.
 *
 * Pages that are added are zero, with and without ASHLAR_GFP_ZERO, which is the only flag that is accepted. The rest
 * of the old last page keeps its bytes: only the pages of an area are recorded, so growing from 5000 to 6000 bytes
 * clears nothing, unlike the kernel's vrealloc with __GFP_ZERO.
 *
 *   NULL area, size above 0   allocates as ashlar_vmalloc
 *   an area, size 0           frees the area and returns NULL; errno does not change
 *   NULL area, size 0         returns NULL with errno EINVAL and a line
 *
 * On failure returns NULL, and the area is unchanged: errno is ENOMEM if there is no memory, or EINVAL, with a line,
 * if `area` is not the start of an area or other flags are given. Thread-safe. Like the kernel's vrealloc. */
ASHLAR_API void* ashlar_vrealloc(void* area, size_t size, unsigned flags) ASHLAR_NOTHROW __attribute__((alloc_size(2)));

/* Frees an area, or one of malloc's blocks with a mapping of its own. Does nothing for NULL. errno does not change on
 * success. If `area` is not the start of an area, or was freed before, errno is EINVAL, a line is written, and nothing
 * is freed. Thread-safe. Like the kernel's vfree. */
ASHLAR_API void ashlar_vfree(void* area) ASHLAR_NOTHROW;

/* Returns 1 if an address lies in an area, which may be one that malloc made for a large block, else 0. errno does not
 * change. The time is proportional to the number of areas. Thread-safe. Like the kernel's is_vmalloc_addr. */
ASHLAR_API int ashlar_is_vmalloc_addr(const void* address) ASHLAR_NOTHROW ASHLAR_ADDRESS_ONLY(1);

#ifdef __cplusplus
}
#endif

#endif
