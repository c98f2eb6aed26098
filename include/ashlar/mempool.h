/* Ashlar: memory pools, like the kernel's mempool_create and its family (mm/mempool.c,
 * Documentation/core-api/mm-api.rst in the kernel's sources). A pool has a reserve of elements that are allocated in
 * advance, so that this number of allocations succeeds even if the system has no memory. An allocation asks the pool's
 * own allocator first, and takes an element from the reserve if that fails. An element that is freed fills the reserve
 * first.
 *
 * Flags of an allocation: ashlar_mempool_alloc takes ASHLAR_GFP_WAIT and refuses others. ZERO is refused because an
 * element from the reserve has the bytes that it was freed with, and a pool does not know its size; the program clears
 * it. THISNODE and NORETRY are refused because the pool's allocator gets no flags.
 *
 * All functions are thread-safe, except where a function says that no other thread may use the pool. None is
 * async-signal-safe. "With a line" means that the function also writes one line to stderr, which begins with
 * "ashlar: ". An address that is not a pool's, or a destroyed pool's, is refused with EINVAL and a line, as long as no
 * new pool is in its place. It must be readable.
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

/* The functions that allocate and free elements of a pool. Any thread may call them, and no lock is held. A NULL
 * result means that there is no memory. */
typedef void* ashlar_mempool_alloc_fn(void* pool_data);
typedef void ashlar_mempool_free_fn(void* element, void* pool_data);

/* Creates a pool, allocates its reserve of `min_nr` elements, 1 to 2^24, and returns it. Returns NULL with errno
 * ENOMEM if they cannot be allocated, or with EINVAL and a line for another number or a NULL function. Thread-safe.
 * Like the kernel's mempool_create. */
ASHLAR_API ashlar_mempool* ashlar_mempool_create(int min_nr, ashlar_mempool_alloc_fn* alloc_fn,
                                                 ashlar_mempool_free_fn* free_fn, void* pool_data) ASHLAR_NOTHROW;

/* Create a pool of objects of a cache, of blocks of `size` bytes from ashlar_malloc, or of blocks of 2^order pages, of
 * which an element is the address. Results and errors are those of ashlar_mempool_create. EINVAL and a line are also
 * returned if `cache` is not a cache, or `order` is above ASHLAR_MAX_ORDER. The cache cannot be destroyed before the
 * pool, whether or not it shares its slabs with others. Thread-safe. Like the kernel's mempool_create_slab_pool,
 * mempool_create_kmalloc_pool and mempool_create_page_pool. */
ASHLAR_API ashlar_mempool* ashlar_mempool_create_slab_pool(int min_nr, ashlar_cache* cache) ASHLAR_NOTHROW;
ASHLAR_API ashlar_mempool* ashlar_mempool_create_kmalloc_pool(int min_nr, size_t size) ASHLAR_NOTHROW;
ASHLAR_API ashlar_mempool* ashlar_mempool_create_page_pool(int min_nr, unsigned order) ASHLAR_NOTHROW;

/* Returns an element. If neither the allocator nor the reserve has one, returns NULL with errno ENOMEM. With
 * ASHLAR_GFP_WAIT the call waits instead until an element is freed, and does not fail; it asks the allocator again
 * every 5 seconds, since memory may become free elsewhere. Returns NULL with errno EINVAL and a line for other flags
 * or if `pool` is not a pool. Thread-safe. Like the kernel's mempool_alloc. */
ASHLAR_API void* ashlar_mempool_alloc(ashlar_mempool* pool, unsigned flags) ASHLAR_NOTHROW;

/* Puts an element into the reserve, or frees it with the pool's function if the reserve is full. Does nothing if
 * `element` is NULL. errno does not change on success. It is EINVAL, with a line, and nothing is freed, if `pool` is
 * not a pool. Thread-safe. Like the kernel's mempool_free. */
ASHLAR_API void ashlar_mempool_free(void* element, ashlar_mempool* pool) ASHLAR_NOTHROW;

/* Changes the number of elements of a full reserve to `min_nr`, 1 to 2^24, and returns 0. Returns -1 with errno ENOMEM
 * if new elements cannot be allocated; the reserve then keeps its old size, or is only partly filled. Returns -1 with
 * errno EINVAL and a line for another number or if `pool` is not a pool. Thread-safe. Like the kernel's
 * mempool_resize. */
ASHLAR_API int ashlar_mempool_resize(ashlar_mempool* pool, int min_nr) ASHLAR_NOTHROW;

/* The figures of a pool. Later versions may add fields at the end. */
struct ashlar_mempool_stats {
  uint64_t min_nr;       /* elements of a full reserve */
  uint64_t curr_nr;      /* elements that are in the reserve */
  uint64_t from_reserve; /* allocations that the allocator refused and the reserve served */
  uint64_t failed;       /* allocations that failed */
  uint64_t waits;        /* times that an allocation with ASHLAR_GFP_WAIT began to wait */
  uint64_t waiting;      /* threads that are waiting */
};

/* Fills the first `size` bytes of *stats, where `size` is the caller's sizeof *stats, and returns 0. The figures of
 * other threads may be slightly out of date. Returns -1 with errno EINVAL and a line if `pool` is not a pool, `stats`
 * is NULL or `size` is 0. Thread-safe. */
ASHLAR_API int ashlar_mempool_snapshot(const ashlar_mempool* pool, struct ashlar_mempool_stats* stats,
                                       size_t size) ASHLAR_NOTHROW;

/* ashlar_mempool_name returns a pool's name, which is valid as long as the pool. At first it is "slab-CACHE",
 * "kmalloc-SIZE", "pages-ORDER" or "mempool". Returns NULL with errno EINVAL and a line if `pool` is not a pool.
 *
 * ashlar_mempool_set_name copies a name of 1 to ASHLAR_MEMPOOL_NAME_MAX bytes, none of them a control character, and
 * returns 0. Names need not be unique.
 * Returns -1 with errno EINVAL and a line if `pool` is not a pool or the name is bad. Thread-safe, except that no
 * other thread may read the name meanwhile. */
#define ASHLAR_MEMPOOL_NAME_MAX 47
ASHLAR_API int ashlar_mempool_set_name(ashlar_mempool* pool, const char* name) ASHLAR_NOTHROW;
ASHLAR_API const char* ashlar_mempool_name(const ashlar_mempool* pool) ASHLAR_NOTHROW;

/* Stores up to `count` pools, the newest first, and returns how many exist, like ashlar_cache_list. Never fails.
 * Thread-safe. */
ASHLAR_API size_t ashlar_mempool_list(ashlar_mempool** pools, size_t count) ASHLAR_NOTHROW;

/* Frees the reserve and the pool. Does nothing for NULL. If `pool` is not a pool, errno is EINVAL, a line is written,
 * and nothing is freed. Elements in use remain the program's, which frees them by other means. No other thread may use
 * the pool. Like the kernel's mempool_destroy. */
ASHLAR_API void ashlar_mempool_destroy(ashlar_mempool* pool) ASHLAR_NOTHROW;

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-use-using,readability-identifier-naming) */

#endif
