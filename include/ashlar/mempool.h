/* Ashlar: memory pools, the kernel's mempool_create and its family (mm/mempool.c, Documentation/core-api/mm-api.rst in
 * the kernel's sources): a reserve of elements, taken in advance, that makes so many allocations certain even when the
 * system gives no memory. An allocation asks the pool's own allocator first, and takes from the reserve when that has
 * nothing; what is freed fills the reserve up first.
 *
 * Flags of an allocation: ashlar_mempool_alloc honours ASHLAR_GFP_WAIT and refuses others. An element from the reserve
 * has the bytes that it was freed with, and a pool does not know how many: ZERO is the program's. THISNODE and NORETRY
 * would be the allocator's, to whose function no flags are given.
 *
 * All functions are thread-safe; none is async-signal-safe. Where a function is said to write a line, that is one line
 * on stderr that begins with "ashlar: ".
 *
 * SPDX-License-Identifier: MIT */
#ifndef ASHLAR_MEMPOOL_H
#define ASHLAR_MEMPOOL_H

#include "ashlar/ashlar.h"
#include "ashlar/cache.h"
#include "ashlar/pages.h"

/* NOLINTBEGIN(modernize-use-using,readability-identifier-naming): C, with the names of C */
#ifdef __cplusplus
extern "C" {
#endif

typedef struct ashlar_mempool ashlar_mempool;

/* How elements are made and ended. Called by any thread, with no lock held. A NULL result is "no memory". */
typedef void* ashlar_mempool_alloc_fn(void* pool_data);
typedef void ashlar_mempool_free_fn(void* element, void* pool_data);

/* A pool with `min_nr` elements (1 to 2^24) in reserve, made at once. NULL with ENOMEM when they cannot be, or
 * with EINVAL and a line for a bad number or a NULL function. As mempool_create. */
ASHLAR_API ashlar_mempool* ashlar_mempool_create(int min_nr, ashlar_mempool_alloc_fn* alloc_fn,
                                                 ashlar_mempool_free_fn* free_fn, void* pool_data) ASHLAR_NOTHROW;

/* Pools of a cache's objects, of blocks of `size` bytes from ashlar_malloc, and of 2^order pages (their addresses).
 * Errors as above; EINVAL and a line also for what is no cache, and for an order above ASHLAR_MAX_ORDER. The cache
 * cannot be destroyed before the pool, whether or not it shares its slabs with others. As mempool_create_slab_pool,
 * mempool_create_kmalloc_pool and mempool_create_page_pool. */
ASHLAR_API ashlar_mempool* ashlar_mempool_create_slab_pool(int min_nr, ashlar_cache* cache) ASHLAR_NOTHROW;
ASHLAR_API ashlar_mempool* ashlar_mempool_create_kmalloc_pool(int min_nr, size_t size) ASHLAR_NOTHROW;
ASHLAR_API ashlar_mempool* ashlar_mempool_create_page_pool(int min_nr, unsigned order) ASHLAR_NOTHROW;

/* An element. When neither the allocator nor the reserve has one: NULL with ENOMEM, or, with ASHLAR_GFP_WAIT, waits
 * until one is freed, and never fails. It asks the allocator again every 5 seconds, as memory may come back by other
 * ways than the pool. NULL with EINVAL and a line for other flags. As mempool_alloc. */
ASHLAR_API void* ashlar_mempool_alloc(ashlar_mempool* pool, unsigned flags) ASHLAR_NOTHROW;

/* Frees an element into the reserve if that is not full, else by the pool's function. Nothing for NULL. Keeps errno.
 * As mempool_free. */
ASHLAR_API void ashlar_mempool_free(void* element, ashlar_mempool* pool) ASHLAR_NOTHROW;

/* Gives the reserve another size and returns 0. -1 with ENOMEM when new elements cannot be made: then the reserve is
 * as large as before, or as full as could be; -1 with EINVAL and a line for a bad number. As mempool_resize. */
ASHLAR_API int ashlar_mempool_resize(ashlar_mempool* pool, int min_nr) ASHLAR_NOTHROW;

/* What is known of a pool. Later versions may add fields at the end. */
struct ashlar_mempool_stats {
  uint64_t min_nr;       /* elements of a full reserve */
  uint64_t curr_nr;      /* elements in it now */
  uint64_t from_reserve; /* allocations that the allocator failed and the reserve served */
  uint64_t failed;       /* allocations that neither served */
  uint64_t waits;        /* times that an allocation with ASHLAR_GFP_WAIT began to wait */
  uint64_t waiting;      /* threads that wait now */
};

/* Fills the first `size` bytes of *stats, the caller's sizeof *stats, and returns 0. Other threads' figures may be a
 * moment old. -1 with EINVAL and a line for what is no pool, NULL stats, or a size of 0. */
ASHLAR_API int ashlar_mempool_snapshot(const ashlar_mempool* pool, struct ashlar_mempool_stats* stats,
                                       size_t size) ASHLAR_NOTHROW;

/* A pool's name, which lives as long as the pool: at first "slab-CACHE", "kmalloc-SIZE", "pages-ORDER" or "mempool".
 * Names need not be unique. ashlar_mempool_set_name copies 1 to ASHLAR_MEMPOOL_NAME_MAX bytes and returns 0; no other
 * thread may read the name meanwhile. -1 or NULL with EINVAL and a line for what is no pool or a bad name. */
#define ASHLAR_MEMPOOL_NAME_MAX 47
ASHLAR_API int ashlar_mempool_set_name(ashlar_mempool* pool, const char* name) ASHLAR_NOTHROW;
ASHLAR_API const char* ashlar_mempool_name(const ashlar_mempool* pool) ASHLAR_NOTHROW;

/* Stores up to `count` of the pools that there are, the newest first, and returns how many there are, as
 * ashlar_cache_list. */
ASHLAR_API size_t ashlar_mempool_list(ashlar_mempool** pools, size_t count) ASHLAR_NOTHROW;

/* Frees the reserve and the pool, or does nothing for NULL. Elements in use stay the program's, to be freed by other
 * means. No other thread may use the pool. As mempool_destroy. */
ASHLAR_API void ashlar_mempool_destroy(ashlar_mempool* pool) ASHLAR_NOTHROW;

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-use-using,readability-identifier-naming) */

#endif
