/* Ashlar: named caches of equal objects, the kernel's kmem_cache_create and its family (Documentation/core-api/
 * memory-allocation.rst and mm/slab_common.c in the kernel's sources).
 *
 * A cache hands out objects of one size from slabs of its own. With a constructor, an object is constructed once, when
 * its slab is cut, and keeps its bytes from a free to the next allocation: it must be freed in its constructed state.
 * A program sees its caches by name in the reports (ASHLAR_OPTIONS=stats, malloc_info, the ashlar command).
 *
 * Sizes and alignments are in bytes. All functions are thread-safe; none is async-signal-safe. Where a function is
 * said to write a line, that is one line on stderr that begins with "ashlar: ". An object may also be given to free()
 * or ashlar_free(), as the kernel's kfree takes objects of any cache, and to malloc_usable_size().
 *
 * SPDX-License-Identifier: MIT */
#ifndef ASHLAR_CACHE_H
#define ASHLAR_CACHE_H

#include "ashlar/ashlar.h"

/* NOLINTBEGIN(modernize-use-using,readability-identifier-naming): C, with the names of C */
#ifdef __cplusplus
extern "C" {
#endif

typedef struct ashlar_cache ashlar_cache;

#define ASHLAR_CACHE_NAME_MAX 31            /* characters of a name, without the ending 0 */
#define ASHLAR_CACHE_SIZE_MAX (256ul << 10) /* bytes of an object */
#define ASHLAR_CACHE_HANDLES_MAX 1024       /* caches at a time */
#define ASHLAR_CACHE_DISTINCT_MAX 255       /* of these, caches that share no slabs with another */

/* Flags of ashlar_cache_create. */
#define ASHLAR_CACHE_HWALIGN 1u  /* align to cache lines, small objects to a part of one (SLAB_HWCACHE_ALIGN) */
#define ASHLAR_CACHE_NO_MERGE 2u /* share no slabs with similar caches (SLAB_NO_MERGE) */

/* A new cache of objects of `size` bytes (1 to ASHLAR_CACHE_SIZE_MAX) at multiples of `align` (a power of two up to the
 * same, or 0 for 16; at least 16 in any case). The name is copied: 1 to ASHLAR_CACHE_NAME_MAX characters, none of them
 * a control character, and no other cache's. `constructor`, if not NULL, is called once for each object, on some
 * thread's allocation, with no lock held: it may allocate, also from this cache, but must not unwind or longjmp.
 *
 * Caches without a constructor whose objects take the same room share slabs unless one of them has
 * ASHLAR_CACHE_NO_MERGE, as SLUB's do: then reports count their objects together. Caches whose objects are checked
 * (slab_debug, harden) share with none.
 *
 * NULL with a line and errno: EINVAL for a size of 0 or too large, a bad alignment, an empty name or one with control
 * characters, or unknown flags; ENAMETOOLONG; EEXIST for a name that is taken; ENOSPC for too many caches; ENOMEM. As
 * kmem_cache_create. */
ASHLAR_API ashlar_cache* ashlar_cache_create(const char* name, size_t size, size_t align, unsigned flags,
                                             void (*constructor)(void* object)) ASHLAR_NOTHROW;

/* Ends a cache, and returns 0; the handle is of no use from then on. -1 with EBUSY and a line that tells how many
 * objects are in use and where the first ones are: then the cache is as before. A cache that shares its slabs with
 * another one ends in any case: its objects live on, and can be given to the other or to free(). Does nothing for
 * NULL. -1 with EINVAL and a line for what is no cache. As kmem_cache_destroy. */
ASHLAR_API int ashlar_cache_destroy(ashlar_cache* cache) ASHLAR_NOTHROW;

/* An object, uninitialised, or as it was freed or constructed if the cache has a constructor. NULL with ENOMEM. `cache`
 * must be one. As kmem_cache_alloc. */
ASHLAR_API void* ashlar_cache_alloc(ashlar_cache* cache) ASHLAR_NOTHROW __attribute__((malloc));

/* An object of zeros (`size` bytes of them). NULL with ENOMEM; NULL with EINVAL and a line if the cache has a
 * constructor, whose work it would undo. As kmem_cache_zalloc. */
ASHLAR_API void* ashlar_cache_zalloc(ashlar_cache* cache) ASHLAR_NOTHROW __attribute__((malloc));

/* An object from the slabs of a NUMA node, or, where that has no memory, of another; -1 (NUMA_NO_NODE) for any. NULL
 * with ENOMEM; NULL with EINVAL and a line for a node that does not exist. As kmem_cache_alloc_node. */
ASHLAR_API void* ashlar_cache_alloc_node(ashlar_cache* cache, int node) ASHLAR_NOTHROW __attribute__((malloc));

/* Frees an object of the cache, or does nothing for NULL. Keeps errno, unless the object is of another cache or of
 * none: then EINVAL and a line, and the object stays as it is. An address within an object ends the process with a
 * line where that is noticed, as with free(); where objects are checked, all of these do. As kmem_cache_free. */
ASHLAR_API void ashlar_cache_free(ashlar_cache* cache, void* object) ASHLAR_NOTHROW;

/* Stores `count` objects and returns count; or 0 with ENOMEM, and none is taken. As kmem_cache_alloc_bulk. */
ASHLAR_API size_t ashlar_cache_alloc_bulk(ashlar_cache* cache, size_t count, void** objects) ASHLAR_NOTHROW;

/* Frees `count` objects as ashlar_cache_free does each. As kmem_cache_free_bulk. */
ASHLAR_API void ashlar_cache_free_bulk(ashlar_cache* cache, size_t count, void** objects) ASHLAR_NOTHROW;

/* Gives the cache's free slabs back to the page allocator: 0. What other threads hold follows when they next run out
 * of free objects or of room for them. -1 with EINVAL and a line for what is no cache. As kmem_cache_shrink. */
ASHLAR_API int ashlar_cache_shrink(ashlar_cache* cache) ASHLAR_NOTHROW;

/* The size that was asked for, as kmem_cache_size; and the name, which lives as long as the cache. 0 and NULL with
 * EINVAL and a line for what is no cache. */
ASHLAR_API size_t ashlar_cache_size(const ashlar_cache* cache) ASHLAR_NOTHROW;
ASHLAR_API const char* ashlar_cache_name(const ashlar_cache* cache) ASHLAR_NOTHROW;

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-use-using,readability-identifier-naming) */

#endif
