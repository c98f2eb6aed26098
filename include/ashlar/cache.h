/* Ashlar: named caches of equal objects, the kernel's kmem_cache_create and its family (Documentation/core-api/
 * memory-allocation.rst and mm/slab_common.c in the kernel's sources).
 *
 * A cache hands out objects of one size from slabs of its own. With a constructor, an object is constructed once, when
 * it is cut from its slab, and keeps its bytes from a free to the next allocation: it must be freed in its constructed
 * state. A slab without objects in use may go back to the page allocator at any time: up to 1 MiB of them in a cache
 * stay until memory is short, ashlar_cache_shrink or malloc_trim is called, or, beside other threads, nobody has used
 * them for some seconds. As there is no destructor, a constructed object must own nothing: neither memory nor a lock
 * that something else refers to. Where objects are checked (by a flag, slab_debug or harden), those that wait to be
 * used again are as many objects more, and those of about 32 KiB and more have mappings of their own and are
 * constructed each time.
 * A program sees its caches by name in the reports (ASHLAR_OPTIONS=stats, malloc_info, the ashlar command).
 *
 * Sizes and alignments are in bytes. All functions are thread-safe; none is async-signal-safe. Where a function is
 * said to write a line, that is one line on stderr that begins with "ashlar: ". An object may also be given to free()
 * or ashlar_free(), as the kernel's kfree takes objects of any cache, to realloc(), which moves it out of the cache
 * when it grows, and to malloc_usable_size().
 *
 * Flags of an allocation (ASHLAR_GFP_ in ashlar/pages.h) that ashlar_cache_alloc_flags and
 * ashlar_cache_alloc_node_flags honour, which refuse others; ashlar_cache_alloc has none, so that it is short:
 *   ZERO       all bytes of the object, as ashlar_cache_zalloc
 *   THISNODE   from slabs of the node, or not at all
 *   NORETRY    fail rather than empty caches and purge free pages
 * Of what they do not take:
 *   WAIT       ashlar_mempool_alloc, of a pool of the cache's objects (ashlar/mempool.h); all here fail with NULL
 *   cold data  ashlar_malloc_cold (ashlar/swap.h), as slabs lie in swap areas only where all else failed
 *
 * A NULL cache is allowed where that is said; otherwise the call faults. An address that is no cache's is refused with
 * EINVAL and a line, but must be readable in the calls that allocate and free.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ASHLAR_CACHE_H
#define ASHLAR_CACHE_H

#include "ashlar/ashlar.h"
#include "ashlar/pages.h"

/* NOLINTBEGIN(modernize-use-using,readability-identifier-naming): C, with the names of C */
#ifdef __cplusplus
extern "C" {
#endif

typedef struct ashlar_cache ashlar_cache;

#define ASHLAR_CACHE_NAME_MAX 31            /* characters of a given name, without the ending 0 */
#define ASHLAR_CACHE_SIZE_MAX (256ul << 10) /* bytes of an object */
#define ASHLAR_CACHE_HANDLES_MAX 4096       /* caches at a time */
#define ASHLAR_CACHE_DISTINCT_MAX 4096      /* of these, caches that share no slabs with another */

/* Flags of ashlar_cache_create. Those from CONSISTENCY_CHECKS on have the objects of this cache checked, like the
 * letters of the option slab_debug=FZPU,NAME: each of them also finds what CONSISTENCY_CHECKS does, and a fault ends
 * the process with a report. Other caches and malloc stay as they are. The first such cache of a process has it handle
 * SIGSEGV and SIGBUS, to tell what was accessed; a handler that was there before gets the rest. */
#define ASHLAR_CACHE_HWALIGN 1u            /* align to cache lines, or a part of one (SLAB_HWCACHE_ALIGN) */
#define ASHLAR_CACHE_NO_MERGE 2u           /* share no slabs with similar caches (SLAB_NO_MERGE) */
#define ASHLAR_CACHE_CONSISTENCY_CHECKS 4u /* double, invalid and wrong frees (SLAB_CONSISTENCY_CHECKS) */
#define ASHLAR_CACHE_RED_ZONE 8u           /* writes beside an object (SLAB_RED_ZONE) */
#define ASHLAR_CACHE_POISON 16u            /* writes to a free object; not with a constructor (SLAB_POISON) */
#define ASHLAR_CACHE_STORE_USER 32u        /* stacks of allocations and frees, in reports (SLAB_STORE_USER) */

/* A new cache of objects of `size` bytes (1 to ASHLAR_CACHE_SIZE_MAX) at multiples of `align` (a power of two up to the
 * same, or 0 for 16; at least 16 in any case). The name is copied: 1 to ASHLAR_CACHE_NAME_MAX bytes, none of them a
 * control character, a space or a comma, without "malloc-" before it. UTF-8 is shown as it is. Names need not be
 * unique: where another cache has the name, "#2" follows it, or the next number; reports, messages and
 * ashlar_cache_name tell the caches apart by it. The option slab_debug means all caches of a given name.
 *
 * `constructor`, if not NULL, is called once for each object, on some thread's allocation, with no lock held: it may
 * allocate, also from this cache, but must not unwind or longjmp. Such an object takes 8 bytes more, as its link to the
 * next free one lies behind it; rounded to the alignment, an object of 320 bytes takes 336.
 *
 * Caches without a constructor whose objects take the same room share slabs, as SLUB's do, unless one of them has
 * ASHLAR_CACHE_NO_MERGE or was created under the option slab_nomerge: then reports count their objects together, a free
 * into the wrong one of them is not noticed, and all but the last can be destroyed with objects in use. Whether that
 * happens depends on what other parts of the program create. Caches whose objects are checked (by flags, slab_debug or
 * harden) share with none.
 *
 * NULL with a line and errno: EINVAL for a size of 0 or too large, a bad alignment, a bad name, or unknown flags;
 * ENAMETOOLONG; ENOSPC for too many caches; ENOMEM. As kmem_cache_create. */
ASHLAR_API ashlar_cache* ashlar_cache_create(const char* name, size_t size, size_t align, unsigned flags,
                                             void (*constructor)(void* object)) ASHLAR_NOTHROW;

/* A cache of structures of one type, aligned as they are, named after it: ASHLAR_CACHE(inode, flags) for struct inode.
 * As KMEM_CACHE. */
#define ASHLAR_CACHE(type, flags) \
  ashlar_cache_create(#type, sizeof(struct type), __alignof__(struct type), (flags), NULL)

/* Ends a cache, and returns 0; the handle is of no use from then on. -1 with EBUSY and a line that tells how many
 * objects are in use and where the first ones are, or that memory pools take from it: then the cache is as before.
 * Objects in use do not hinder the end of a cache that shares its slabs with another one: they live on, and can be
 * given to the other or to free(). Does nothing for NULL. -1 with EINVAL and a line for what is no cache. As
 * kmem_cache_destroy. */
ASHLAR_API int ashlar_cache_destroy(ashlar_cache* cache) ASHLAR_NOTHROW;

/* An object, uninitialised, or as it was freed or constructed if the cache has a constructor. NULL with ENOMEM; NULL
 * with EINVAL and a line for a destroyed cache. As kmem_cache_alloc. */
ASHLAR_API void* ashlar_cache_alloc(ashlar_cache* cache) ASHLAR_NOTHROW __attribute__((malloc));

/* An object of zeros (`size` bytes of them). NULL with ENOMEM; NULL with EINVAL and a line if the cache has a
 * constructor, whose work it would undo. As kmem_cache_zalloc. */
ASHLAR_API void* ashlar_cache_zalloc(ashlar_cache* cache) ASHLAR_NOTHROW __attribute__((malloc));

/* An object from the slabs of a NUMA node, or, where that has no memory, of another; -1 (NUMA_NO_NODE) for any. NULL
 * with ENOMEM; NULL with EINVAL and a line for a node that does not exist. As kmem_cache_alloc_node. */
ASHLAR_API void* ashlar_cache_alloc_node(ashlar_cache* cache, int node) ASHLAR_NOTHROW __attribute__((malloc));

/* The same with flags: ASHLAR_GFP_ZERO, ASHLAR_GFP_THISNODE and ASHLAR_GFP_NORETRY. Without a node, and with -1, the
 * node is the calling thread's. NULL with ENOMEM; NULL with EINVAL and a line for other flags, a node that does not
 * exist, and ZERO where the cache has a constructor. THISNODE and NORETRY change nothing where objects are checked. As
 * kmem_cache_alloc and kmem_cache_alloc_node, with the flags behind the node. */
ASHLAR_API void* ashlar_cache_alloc_flags(ashlar_cache* cache, unsigned flags) ASHLAR_NOTHROW __attribute__((malloc));
ASHLAR_API void* ashlar_cache_alloc_node_flags(ashlar_cache* cache, int node, unsigned flags) ASHLAR_NOTHROW
    __attribute__((malloc));

/* Frees an object of the cache, or does nothing for NULL. Keeps errno, unless the object is of another cache or of
 * none: then EINVAL and a line, and the object stays as it is. An address within an object, and an object that is free
 * already, end the process with a line that names the cache where they are noticed, as with free(): when the call is a
 * slow one, when the thread's free objects go back to their slabs, when the cache is shrunk or destroyed, or when the
 * process ends. Until then such an address may be handed out again. Where objects are checked, each of these misuses
 * ends the process at once (or, with debug_continue, is a line). As kmem_cache_free. */
ASHLAR_API void ashlar_cache_free(ashlar_cache* cache, void* object) ASHLAR_NOTHROW;

/* Stores `count` objects and returns count; or 0 with ENOMEM, and none is taken. As kmem_cache_alloc_bulk. */
ASHLAR_API size_t ashlar_cache_alloc_bulk(ashlar_cache* cache, size_t count, void** objects) ASHLAR_NOTHROW;

/* Frees `count` objects as ashlar_cache_free does each. As kmem_cache_free_bulk. */
ASHLAR_API void ashlar_cache_free_bulk(ashlar_cache* cache, size_t count, void** objects) ASHLAR_NOTHROW;

/* Gives the cache's free slabs back to the page allocator: 0. What other threads hold follows when they next run out
 * of free objects or of room for them. -1 with EINVAL and a line for what is no cache. As kmem_cache_shrink. */
ASHLAR_API int ashlar_cache_shrink(ashlar_cache* cache) ASHLAR_NOTHROW;

/* The size that was asked for, as kmem_cache_size; and the name, with its number if it has one, which lives as long as
 * the cache. 0 and NULL with
 * EINVAL and a line for what is no cache. */
ASHLAR_API size_t ashlar_cache_size(const ashlar_cache* cache) ASHLAR_NOTHROW;
ASHLAR_API const char* ashlar_cache_name(const ashlar_cache* cache) ASHLAR_NOTHROW;

/* Fills *stats with the figures of a cache (struct ashlar_cache_stats in ashlar/ashlar.h), and returns 0. Caches that
 * share slabs have the figures of all of them together, as one's freed objects are the others' next ones; under the
 * option slab_nomerge each has its own. Of checked objects, those that wait to be used again count as slab_free, and
 * spans as slabs. Other threads' figures may be a moment old. -1 with EINVAL and a line for what is no cache, and for
 * NULL stats. As the files of the kernel's /sys/kernel/slab/CACHE. */
ASHLAR_API int ashlar_cache_snapshot(const ashlar_cache* cache, struct ashlar_cache_stats* stats) ASHLAR_NOTHROW;

/* Stores up to `count` of the caches that there are, the newest first, and returns how many there are: more than were
 * stored if that is above count, so that ashlar_cache_list(NULL, 0) tells their number. Another thread may destroy one
 * meanwhile. As /proc/slabinfo. */
ASHLAR_API size_t ashlar_cache_list(ashlar_cache** caches, size_t count) ASHLAR_NOTHROW;

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-use-using,readability-identifier-naming) */

#endif
