/* Ashlar: named caches of objects of one size, like the kernel's kmem_cache_create and its family
 * (Documentation/core-api/memory-allocation.rst and mm/slab_common.c in the kernel's sources).
 *
 * A cache hands out objects of one size from slabs of its own. A program sees its caches by name in the reports
 * (ASHLAR_OPTIONS=stats, malloc_info, the ashlar command).
 *
 * Constructors. An object is constructed once, when it is cut from its slab. It keeps its bytes from a free to the
 * next allocation, so it must be freed in its constructed state. There is no destructor, so a constructed object must
 * own neither memory nor a lock that something else refers to.
 *
 * Free slabs. A slab without objects in use may return to the page allocator at any time. A cache keeps up to 1 MiB of
 * such slabs until memory is short, or ashlar_cache_shrink or malloc_trim is called. In a process with several threads
 * it also returns them when nobody has used them for some seconds.
 *
 * Checked objects. With a flag that checks, and under slab_debug and harden, freed objects wait to be reused and take
 * memory meanwhile. Objects of about 32 KiB and more then have mappings of their own and are constructed at each
 * allocation.
 *
 * Sizes and alignments are in bytes. All functions are thread-safe. None is async-signal-safe. "With a line" means
 * that the function also writes one line to stderr, which begins with "ashlar: ".
 *
 * Flags of an allocation (ASHLAR_GFP_ in ashlar/pages.h): ashlar_cache_alloc_flags and ashlar_cache_alloc_node_flags
 * take these, and refuse others. ashlar_cache_alloc has no flags, which keeps it short.
 *
 *   ZERO       all bytes of the object are zero, as by ashlar_cache_zalloc
 *   THISNODE   from slabs of the node, or NULL
 *   NORETRY    NULL instead of emptying caches and purging free pages
 *
 * For the flags that they do not take, use the following:
 *
 *   WAIT       ashlar_mempool_alloc with a pool of the cache's objects (ashlar/mempool.h); functions here return NULL
 *   cold data  ashlar_malloc_cold (ashlar/swap.h); slabs are taken from swap areas only if all other memory is used up
 *
 * An address that is not a cache's is refused with EINVAL and a line. The calls that allocate and free read from the
 * address, so it must be readable. NULL is refused as well, except that ashlar_cache_alloc and ashlar_cache_free must
 * not get it: a check would cost each of their calls two instructions.
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

#define ASHLAR_CACHE_NAME_MAX 31            /* bytes of the name that is given, without the terminating 0 */
#define ASHLAR_CACHE_SIZE_MAX (256ul << 10) /* bytes of an object */
#define ASHLAR_CACHE_HANDLES_MAX 4096       /* caches at the same time */
#define ASHLAR_CACHE_DISTINCT_MAX 4096      /* of these, caches that share no slabs with another */

/* Flags of ashlar_cache_create. With the flags from CONSISTENCY_CHECKS on, the objects of this cache are checked, like
 * those of the option slab_debug=FZPU,NAME. Each of these flags also finds what CONSISTENCY_CHECKS does. A fault ends
 * the process with a report. Other caches and malloc are not checked. The first such cache makes the process handle
 * SIGSEGV and SIGBUS, to report which address was accessed; an earlier handler gets all other signals. */
#define ASHLAR_CACHE_HWALIGN 1u            /* align to cache lines, or a part of one (SLAB_HWCACHE_ALIGN) */
#define ASHLAR_CACHE_NO_MERGE 2u           /* share no slabs with similar caches (SLAB_NO_MERGE) */
#define ASHLAR_CACHE_CONSISTENCY_CHECKS 4u /* double, invalid and wrong frees (SLAB_CONSISTENCY_CHECKS) */
#define ASHLAR_CACHE_RED_ZONE 8u           /* writes beside an object (SLAB_RED_ZONE) */
#define ASHLAR_CACHE_POISON 16u            /* writes to a free object; not with a constructor (SLAB_POISON) */
#define ASHLAR_CACHE_STORE_USER 32u        /* stacks of allocations and frees, in reports (SLAB_STORE_USER) */

/* Creates a cache of objects of `size` bytes, 1 to ASHLAR_CACHE_SIZE_MAX, and returns it. Objects are aligned to
 * `align` bytes, a power of two up to ASHLAR_CACHE_SIZE_MAX, or 0 for 16. The alignment is at least 16.
 *
 * The name has 1 to ASHLAR_CACHE_NAME_MAX bytes and is copied. It must not contain a control character, a space or a
 * comma, and must not start with "malloc-". It may be UTF-8. Names need not be unique: if another cache has the name,
 * "#2" or the next number is appended, by which reports, messages and ashlar_cache_name distinguish the caches. The
 * option slab_debug applies to all caches of a given name.
 *
 * Caches without a constructor whose objects take the same room share slabs, like SLUB's, unless one of them has
 * ASHLAR_CACHE_NO_MERGE or was created under the option slab_nomerge. Caches whose objects are checked (by flags,
 * slab_debug or harden) share with none. Which caches are merged depends on what other parts of the program create.
 * While caches share slabs,
 *
 *   - reports count their objects together,
 *   - a free into the wrong one of them is not noticed,
 *   - all except the last of them can be destroyed while objects are in use.
 *
 * Returns NULL with a line on failure, and errno is EINVAL for a bad size, alignment or name or for unknown flags,
 * ENAMETOOLONG for a name that is too long, ENOSPC if there are too many caches, or ENOMEM if there is no memory.
 * Thread-safe. Like the kernel's kmem_cache_create. */
ASHLAR_API ashlar_cache* ashlar_cache_create(const char* name, size_t size, size_t align, unsigned flags,
                                             void (*constructor)(void* object)) ASHLAR_NOTHROW;

/* Creates a cache of structures of one type, with their alignment and named after the type: ASHLAR_CACHE(inode, flags)
 * is a cache for struct inode. Returns and fails as ashlar_cache_create. Like the kernel's KMEM_CACHE. */
#define ASHLAR_CACHE(type, flags) \
  ashlar_cache_create(#type, sizeof(struct type), __alignof__(struct type), (flags), NULL)

/* Destroys a cache and returns 0. The handle must not be used afterwards. Does nothing for NULL and returns 0. Returns
 * -1 with errno EBUSY and a line if objects are in use, with their number and the first addresses, or if memory pools
 * take elements from the cache. The cache is then unchanged. Objects in use do not prevent the end of a cache that
 * shares its slabs with another one: they stay valid and can be given to the other cache or to free(). Returns -1 with
 * errno EINVAL and a line if `cache` is not a cache. Thread-safe. Like the kernel's kmem_cache_destroy. */
ASHLAR_API int ashlar_cache_destroy(ashlar_cache* cache) ASHLAR_NOTHROW;

/* Returns an object. Its bytes are not initialised; if the cache has a constructor, they are as the constructor or the
 * last user left them. Returns NULL with errno ENOMEM if there is no memory, or with EINVAL and a line if the cache
 * was destroyed. Thread-safe. Like the kernel's kmem_cache_alloc. */
ASHLAR_API void* ashlar_cache_alloc(ashlar_cache* cache) ASHLAR_NOTHROW __attribute__((malloc));

/* Returns an object whose `size` bytes are zero. Returns NULL with errno ENOMEM if there is no memory, or with EINVAL
 * and a line if the cache has a constructor, whose work the zeros would undo, or was destroyed. Thread-safe. Like the
 * kernel's kmem_cache_zalloc. */
ASHLAR_API void* ashlar_cache_zalloc(ashlar_cache* cache) ASHLAR_NOTHROW __attribute__((malloc));

/* Returns an object from the slabs of a NUMA node, or of another node if that one has no memory. Nodes have the
 * kernel's numbers; -1 (NUMA_NO_NODE) means the calling thread's node. Returns NULL with errno ENOMEM if there is no
 * memory, or with EINVAL and a line if the node does not exist or the cache was destroyed. Thread-safe. Like the
 * kernel's kmem_cache_alloc_node. */
ASHLAR_API void* ashlar_cache_alloc_node(ashlar_cache* cache, int node) ASHLAR_NOTHROW __attribute__((malloc));

/* Return an object as ashlar_cache_alloc and ashlar_cache_alloc_node do, with the flags ASHLAR_GFP_ZERO,
 * ASHLAR_GFP_THISNODE and ASHLAR_GFP_NORETRY. Without a node, and with -1, the node is the calling thread's. THISNODE
 * and NORETRY change nothing where objects are checked. Return NULL with errno ENOMEM if there is no memory, or with
 * EINVAL and a line for other flags, a node that does not exist, ZERO if the cache has a constructor, or a cache that
 * was destroyed. Thread-safe. Like the kernel's kmem_cache_alloc and kmem_cache_alloc_node, with the flags after the
 * node. */
ASHLAR_API void* ashlar_cache_alloc_flags(ashlar_cache* cache, unsigned flags) ASHLAR_NOTHROW __attribute__((malloc));
ASHLAR_API void* ashlar_cache_alloc_node_flags(ashlar_cache* cache, int node, unsigned flags) ASHLAR_NOTHROW
    __attribute__((malloc));

/* Frees an object of the cache. Does nothing if `object` is NULL. errno does not change on success. If the object
 * belongs to another cache or to none, errno is EINVAL, a line is written, and nothing is freed.
 *
 * An address inside an object, and an object that is free already, end the process with a line that names the cache.
 * They are noticed in a slow call, when the thread's free objects return to their slabs, when the cache is shrunk or
 * destroyed, or when the process ends. Until then such an address may be allocated again. Where objects are checked
 * (slab_debug, harden), each such misuse ends the process at once, or writes a line under the option debug_continue.
 * Thread-safe. Like the kernel's kmem_cache_free. */
ASHLAR_API void ashlar_cache_free(ashlar_cache* cache, void* object) ASHLAR_NOTHROW;

/* Allocates `count` objects, stores their addresses in `objects` and returns `count`. Returns 0 with errno ENOMEM if
 * there is no memory for all of them, or with EINVAL and a line if the cache was destroyed; none is then allocated.
 * Thread-safe. Like the kernel's kmem_cache_alloc_bulk. */
ASHLAR_API size_t ashlar_cache_alloc_bulk(ashlar_cache* cache, size_t count, void** objects) ASHLAR_NOTHROW;

/* Frees each of the `count` objects as ashlar_cache_free does. Thread-safe. Like the kernel's kmem_cache_free_bulk. */
ASHLAR_API void ashlar_cache_free_bulk(ashlar_cache* cache, size_t count, void** objects) ASHLAR_NOTHROW;

/* Returns the cache's free slabs to the page allocator, and returns 0. Free objects in other threads' magazines follow
 * when these threads next run out of free objects or of room for them. Returns -1 with errno EINVAL and a line if
 * `cache` is not a cache. Thread-safe. Like the kernel's kmem_cache_shrink. */
ASHLAR_API int ashlar_cache_shrink(ashlar_cache* cache) ASHLAR_NOTHROW;

/* ashlar_cache_size returns the size of an object in bytes that was given at creation, like the kernel's
 * kmem_cache_size. ashlar_cache_name returns the name, with its number if it has one; the string is valid as long as
 * the cache. They return 0 and NULL with errno EINVAL and a line if `cache` is not a cache. Thread-safe. */
ASHLAR_API size_t ashlar_cache_size(const ashlar_cache* cache) ASHLAR_NOTHROW;
ASHLAR_API const char* ashlar_cache_name(const ashlar_cache* cache) ASHLAR_NOTHROW;

/* Fills *stats with the figures of a cache (struct ashlar_cache_stats in ashlar/ashlar.h), and returns 0. Caches that
 * share slabs have the figures of all of them together, since any of them may reuse a freed object; under the option
 * slab_nomerge each has its own. Checked objects that wait to be reused count as slab_free, and their spans as slabs.
 * Figures of other threads may be slightly out of date. Returns -1 with errno EINVAL and a line if `cache` is not a
 * cache or `stats` is NULL. Thread-safe. Like the files of the kernel's /sys/kernel/slab/CACHE. */
ASHLAR_API int ashlar_cache_snapshot(const ashlar_cache* cache, struct ashlar_cache_stats* stats) ASHLAR_NOTHROW;

/* Stores up to `count` caches, the newest first, and returns how many exist, which may be more than were stored.
 * ashlar_cache_list(NULL, 0) thus returns their number. Another thread may destroy a cache meanwhile. Never fails.
 * Thread-safe. Like the kernel's /proc/slabinfo. */
ASHLAR_API size_t ashlar_cache_list(ashlar_cache** caches, size_t count) ASHLAR_NOTHROW;

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-use-using,readability-identifier-naming) */

#endif
