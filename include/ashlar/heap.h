/* Ashlar: heaps with a lifetime, like mimalloc's mi_heap_t or a region. A heap has blocks of any size, which are freed
 * at once.
 *
 * A heap has pages of its own. Destroying it returns these pages, in time proportional to the number of its pages and
 * not of its blocks. What a request, a document or a phase of a program allocates thus needs no free for each block.
 *
 * Rules of use:
 *
 *   1. After ashlar_heap_destroy and ashlar_heap_reset no thread may use or free a block of the heap.
 *   2. Until then a block may also be given to free, realloc and malloc_usable_size, by any thread. realloc leaves it
 *      in its heap.
 *   3. Any thread may use any heap at any time.
 *
 * Owner. A heap's owner uses it without a lock. The owner is the first thread that takes a block of up to 4 KiB from
 * the heap with a function of this header, or the last one that called ashlar_heap_adopt. All other threads, and free,
 * take the heap's lock. A heap's blocks are never mixed with malloc's: magazines do not hold free blocks of a heap. In
 * a forked child all heaps are intact, and those of threads that do not exist there have no owner.
 *
 * Small blocks lie in chunks of 64 KiB. Larger ones have pages of their own. Options: blocks of heaps are not checked
 * by slab_debug and harden, and not chosen by guard_sample; perturb does not fill them; profile and record do not see
 * calls of the functions here; slob has no effect on heaps. Wrong frees are noticed only as this header says.
 *
 * The functions here take no flags of an allocation (ASHLAR_GFP_ in ashlar/pages.h). ashlar_heap_mallocx takes an
 * alignment and zeros in one call (ashlar/mallocx.h). ashlar_heap_zalloc is used for ZERO. THISNODE, NORETRY and WAIT
 * have no counterpart: a heap's pages come from the node of the thread that needs them, and an allocation without
 * memory returns NULL after caches were emptied.
 *
 * Sizes are in bytes. All functions are thread-safe. None is async-signal-safe. "With a line" means that the function
 * also writes one line to stderr, which begins with "ashlar: ". An address that is not a heap's, or a heap's that was
 * ended, is refused with EINVAL and a line, as long as no new heap is in its place. It must be readable.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ASHLAR_HEAP_H
#define ASHLAR_HEAP_H

#include "ashlar/ashlar.h"

/* NOLINTBEGIN(modernize-use-using,readability-identifier-naming): C, with the names of C */
#ifdef __cplusplus
extern "C" {
#endif

typedef struct ashlar_heap ashlar_heap;

#define ASHLAR_HEAP_NAME_MAX 31 /* bytes of a name, without the terminating 0 */

/* Creates a heap and returns it. The name is copied and shown in reports. It need not be unique. NULL or "" means
 * "heap-N". `flags` must be 0. Returns NULL on failure: errno is EINVAL, with a line, for flags and for a name with
 * control characters, ENAMETOOLONG, with a line, for a name above ASHLAR_HEAP_NAME_MAX bytes, or ENOMEM if there is no
 * memory. Thread-safe. Like mimalloc's mi_heap_new. */
ASHLAR_API ashlar_heap* ashlar_heap_create(const char* name, unsigned flags) ASHLAR_NOTHROW;

/* Frees the heap and all its blocks, and returns 0. Does nothing for NULL and returns 0. Returns -1 with a line, and
 * errno is EINVAL if `heap` is not a heap, or EBUSY while a thread has pushed it (ashlar_heap_push). Thread-safe. Like
 * mimalloc's mi_heap_destroy. */
ASHLAR_API int ashlar_heap_destroy(ashlar_heap* heap) ASHLAR_NOTHROW;

/* Ends the heap, and returns 0. Its blocks in use become the default heap's and remain valid until they are given to
 * free. Its free memory is returned to the page allocator. The caller must be the owner, or no thread may allocate
 * from the heap meanwhile; other threads may free. Results and errors are those of ashlar_heap_destroy. Like
 * mimalloc's mi_heap_delete. */
ASHLAR_API int ashlar_heap_delete(ashlar_heap* heap) ASHLAR_NOTHROW;

/* Frees all blocks of the heap and returns 0. The heap keeps up to 1 MiB of its pages for the next allocations.
 * Returns -1 with errno EINVAL and a line if `heap` is not a heap. Thread-safe. */
ASHLAR_API int ashlar_heap_reset(ashlar_heap* heap) ASHLAR_NOTHROW;

/* Returns a block of at least `size` bytes, aligned to 16 bytes and not initialised. If `size` is 0, returns a unique
 * block that can be freed, like malloc(3). Returns NULL with errno ENOMEM if there is no memory, `size` is above
 * PTRDIFF_MAX or the heap's limit is reached, or with EINVAL and a line if `heap` is not a heap. Thread-safe. Like
 * mimalloc's mi_heap_malloc. */
ASHLAR_API void* ashlar_heap_malloc(ashlar_heap* heap, size_t size) ASHLAR_NOTHROW
    __attribute__((malloc, alloc_size(2)));

/* Returns a block as ashlar_heap_malloc does, whose `size` bytes are zero. Errors are those of ashlar_heap_malloc.
 * Thread-safe. Like mimalloc's mi_heap_zalloc. */
ASHLAR_API void* ashlar_heap_zalloc(ashlar_heap* heap, size_t size) ASHLAR_NOTHROW
    __attribute__((malloc, alloc_size(2)));

/* Returns a block as ashlar_heap_malloc does, at a multiple of `alignment`, which must be a power of two. Returns NULL
 * with errno EINVAL for another alignment. Other errors are those of ashlar_heap_malloc. Thread-safe. Like
 * aligned_alloc(3). */
ASHLAR_API void* ashlar_heap_memalign(ashlar_heap* heap, size_t alignment, size_t size) ASHLAR_NOTHROW
    __attribute__((malloc, alloc_align(2), alloc_size(3)));

/* Changes the size of a block to `size` bytes and returns the block, which may have moved within the heap. The
 * contents are kept up to the smaller of the old and the new size. A NULL block is allocated as by ashlar_heap_malloc.
 * If `size` is 0 and `block` is not NULL, frees the block and returns NULL. On failure returns NULL, and the block is
 * unchanged: errno is ENOMEM if there is no memory or the heap's limit is reached, or EINVAL, with a line, if the
 * block is not this heap's or `heap` is not a heap. Thread-safe. Like realloc(3). */
ASHLAR_API void* ashlar_heap_realloc(ashlar_heap* heap, void* block, size_t size) ASHLAR_NOTHROW
    __attribute__((alloc_size(3)));

/* Frees a block of the heap. Does nothing if `block` is NULL. errno does not change on success. If the block belongs
 * to another heap or to none, or `heap` is not a heap, errno is EINVAL, a line is written, and nothing is freed. An
 * address inside a block ends the process with a line. A block that is free already does so if it was freed last or if
 * nothing in its slab is in use. Thread-safe. Like free(3). */
ASHLAR_API void ashlar_heap_free(ashlar_heap* heap, void* block) ASHLAR_NOTHROW;

/* Returns the heap's free pages to the page allocator, and returns their bytes. Free blocks that the owner keeps are
 * included only if the caller is the owner. Returns 0 with errno EINVAL and a line if `heap` is not a heap.
 * Thread-safe. */
ASHLAR_API size_t ashlar_heap_trim(ashlar_heap* heap) ASHLAR_NOTHROW;

/* Limits the bytes of pages that the heap may have, chunks of 64 KiB included, and returns 0. 0 bytes means no limit.
 * A heap that already has more keeps its pages. An allocation or realloc that needs more than the limit fails with
 * ENOMEM.
 *
 * If `reached` is not NULL, it is called before such a failure, and no lock is held. It may free other blocks, raise
 * the limit, or end the request by longjmp(3). If it returns a value other than 0, the allocation is tried again.
 *
 * Returns -1 with errno EINVAL and a line if `heap` is not a heap. Thread-safe. */
typedef int ashlar_heap_limit_fn(ashlar_heap* heap, size_t size, void* data);
ASHLAR_API int ashlar_heap_set_limit(ashlar_heap* heap, size_t bytes, ashlar_heap_limit_fn* reached,
                                     void* data) ASHLAR_NOTHROW;

/* Makes the calling thread the owner of the heap, and returns 0. The former owner must not use the heap meanwhile.
 * Returns -1 with errno EINVAL and a line if `heap` is not a heap. */
ASHLAR_API int ashlar_heap_adopt(ashlar_heap* heap) ASHLAR_NOTHROW;

/* Makes the heap the calling thread's current one until the matching ashlar_heap_pop, and returns 0. Meanwhile:
 *
 *   - The blocks that the thread requests by malloc, calloc, aligned_alloc and their relatives and by operator new are
 *     the heap's. Alignment and errors are those of these functions, and ENOMEM is also returned at the heap's limit.
 *   - This includes blocks that libc and other libraries allocate and keep.
 *   - free and realloc take any block as before, and realloc leaves it in its heap.
 *   - The heap cannot be ended: ashlar_heap_destroy and ashlar_heap_delete return -1 with EBUSY and a line.
 *
 * Pushes nest, up to ASHLAR_HEAP_PUSH_MAX of a thread, also of the same heap. They end with the thread. A forked child
 * has those of the thread that forked. Returns -1 with errno EINVAL and a line if `heap` is not a heap, with ENOMEM and
 * a line if there are too many pushes, or with ENOMEM if there is no memory. Thread-safe. */
#define ASHLAR_HEAP_PUSH_MAX 64
ASHLAR_API int ashlar_heap_push(ashlar_heap* heap) ASHLAR_NOTHROW;

/* Ends the calling thread's last push and returns 0. Returns -1 with errno EINVAL and a line if there is none.
 * Thread-safe. */
ASHLAR_API int ashlar_heap_pop(void) ASHLAR_NOTHROW;

struct ashlar_heap_figures {
  size_t bytes;      /* of the heap's pages */
  size_t peak_bytes; /* maximum of `bytes` so far */
  size_t limit;      /* as set by ashlar_heap_set_limit; 0 means none */
  size_t blocks;     /* number of blocks in use */
  size_t used_bytes; /* bytes of the blocks in use, rounding included */
  size_t kept_bytes; /* bytes of free blocks that the owner keeps */
  size_t chunks;     /* number of chunks of 64 KiB */
  size_t large;      /* number of blocks with pages of their own */
};

/* Fills *figures with the figures of the heap and returns 0. Those of the owner may be a few blocks out of date. The
 * time is proportional to the heap's pages. Returns -1 with errno EINVAL and a line if `heap` is not a heap or
 * `figures` is NULL. Thread-safe. */
ASHLAR_API int ashlar_heap_stats(ashlar_heap* heap, struct ashlar_heap_figures* figures) ASHLAR_NOTHROW;

/* Calls `visit` for each block in use, with its usable bytes, until that returns a value other than 0. Returns what
 * `visit` returned last, or 0 if the heap is empty. `visit` may free the block that it is given, by ashlar_heap_free
 * or free, and must do nothing else to the heap. No other thread may use the heap meanwhile. Returns -1 with errno
 * EINVAL and a line if `heap` is not a heap or `visit` is NULL. Like mimalloc's mi_heap_visit_blocks. */
typedef int ashlar_heap_visit_fn(void* block, size_t bytes, void* data);
ASHLAR_API int ashlar_heap_visit(ashlar_heap* heap, ashlar_heap_visit_fn* visit, void* data) ASHLAR_NOTHROW;

/* Returns the heap of a block in use, or NULL if the block is not a heap's, also after ashlar_heap_delete. Any address
 * may be given. errno does not change. Thread-safe. */
ASHLAR_API ashlar_heap* ashlar_heap_of(const void* block) ASHLAR_NOTHROW;

/* Returns the heap's name, which is valid as long as the heap. Returns NULL with errno EINVAL and a line if `heap` is
 * not a heap. Thread-safe. */
ASHLAR_API const char* ashlar_heap_name(const ashlar_heap* heap) ASHLAR_NOTHROW;

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-use-using,readability-identifier-naming) */

#endif
