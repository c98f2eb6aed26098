/* Ashlar: heaps with a lifetime: blocks of any size that are freed at once, like mimalloc's mi_heap_t or a region.
 *
 * A heap has pages of its own. Ending it gives these back, in time that grows with its pages and not with its blocks.
 * What a request, a document or a phase of a program allocates thus needs no free of its own.
 *
 * Rule of use: after ashlar_heap_destroy and ashlar_heap_reset no thread may use a block of the heap, nor free one.
 * Until then a block may also be given to free, realloc and malloc_usable_size, by any thread, and realloc leaves it
 * in its heap. A heap's blocks are never mixed with malloc's: a thread holds no free blocks of a heap.
 *
 * Any thread may use any heap at any time. One thread, its owner, does so without a lock: the first that takes a
 * block of up to 4 KiB from it with one of the functions here, or the last that called ashlar_heap_adopt. All others,
 * and free, take the heap's lock. In a forked child all heaps are whole, and those of threads that are gone have no
 * owner.
 *
 * Small blocks lie in chunks of 64 KiB, larger ones have pages of their own. Options: blocks of heaps are not checked
 * by slab_debug and harden, and not chosen by guard; perturb does not fill them; profile and record do not see calls
 * of the functions here; slob has no effect on heaps. Wrong frees are found as far as this header says.
 *
 * Functions here take no flags of an allocation (ASHLAR_GFP_ in ashlar/pages.h). ZERO is ashlar_heap_zalloc. A heap's
 * pages come from the node of the thread that needs them, and a heap without memory fails with NULL after caches were
 * emptied: for THISNODE, NORETRY and WAIT there is nothing.
 *
 * Sizes are in bytes. All functions are thread-safe; none is async-signal-safe. Where a function is said to write a
 * line, that is one line on stderr that begins with "ashlar: ". An address that is no heap's, or of one that was
 * ended, is refused with EINVAL and a line, as long as no new heap has its place; it must be readable.
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

#define ASHLAR_HEAP_NAME_MAX 31 /* characters of a name, without the ending 0 */

/* A new heap. The name is copied, and shown in reports; it need not be unique. NULL or "" means "heap-N". `flags`
 * must be 0. NULL with a line and errno: EINVAL for flags and for a name with control characters, ENAMETOOLONG; or
 * ENOMEM. */
ASHLAR_API ashlar_heap* ashlar_heap_create(const char* name, unsigned flags) ASHLAR_NOTHROW;

/* Frees the heap and all that is in it, and returns 0. Does nothing for NULL. -1 with a line and errno: EINVAL for what
 * is no heap. */
ASHLAR_API int ashlar_heap_destroy(ashlar_heap* heap) ASHLAR_NOTHROW;

/* Ends the heap, whose blocks in use become the default heap's: they live on until they are given to free. Its free
 * memory is given back. The caller must be the owner, or no thread may allocate from the heap meanwhile; others may
 * free. Returns and errors as ashlar_heap_destroy. */
ASHLAR_API int ashlar_heap_delete(ashlar_heap* heap) ASHLAR_NOTHROW;

/* Frees all that is in the heap and keeps up to 1 MiB of its pages for what is allocated next: 0. -1 with EINVAL and a
 * line for what is no heap. */
ASHLAR_API int ashlar_heap_reset(ashlar_heap* heap) ASHLAR_NOTHROW;

/* A block of at least `size` bytes at a multiple of 16, as malloc; NULL with ENOMEM when there is no memory, or the
 * heap's limit is reached; NULL with EINVAL and a line for what is no heap. */
ASHLAR_API void* ashlar_heap_malloc(ashlar_heap* heap, size_t size) ASHLAR_NOTHROW
    __attribute__((malloc, alloc_size(2)));

/* The same of zeros. */
ASHLAR_API void* ashlar_heap_zalloc(ashlar_heap* heap, size_t size) ASHLAR_NOTHROW
    __attribute__((malloc, alloc_size(2)));

/* The same at a multiple of `alignment`, a power of two; NULL with EINVAL for another number. */
ASHLAR_API void* ashlar_heap_memalign(ashlar_heap* heap, size_t alignment, size_t size) ASHLAR_NOTHROW
    __attribute__((malloc, alloc_align(2), alloc_size(3)));

/* The block with another size, as realloc: in place or moved within the heap; a new one for NULL; freed for size 0
 * (then NULL). NULL with ENOMEM, and the block stays. NULL with EINVAL and a line for a block that is not this
 * heap's. */
ASHLAR_API void* ashlar_heap_realloc(ashlar_heap* heap, void* block, size_t size) ASHLAR_NOTHROW
    __attribute__((alloc_size(3)));

/* Frees a block of the heap; does nothing for NULL. Keeps errno, unless the block is of another heap or of none: then
 * EINVAL and a line, and the block stays. An address within a block, and a block that is free already, end the process
 * with a line where they are noticed: the address at once, the free block if it was freed last or its slab has nothing
 * in use. */
ASHLAR_API void ashlar_heap_free(ashlar_heap* heap, void* block) ASHLAR_NOTHROW;

/* Gives back the heap's free pages, and returns the bytes. What the owner keeps at hand is included if the caller is
 * the owner. 0 with EINVAL and a line for what is no heap. */
ASHLAR_API size_t ashlar_heap_trim(ashlar_heap* heap) ASHLAR_NOTHROW;

/* Limits the bytes of pages that the heap may have, chunks of 64 KiB included; 0: no limit. An allocation or realloc
 * that needs more fails with ENOMEM. Before, `reached` is called if it is not NULL, with no lock held: it may free
 * other blocks, raise the limit or end the request by longjmp, and returns not 0 for another try. A heap that has more
 * already keeps it. Returns 0; -1 with EINVAL and a line for what is no heap. */
typedef int ashlar_heap_limit_fn(ashlar_heap* heap, size_t size, void* data);
ASHLAR_API int ashlar_heap_set_limit(ashlar_heap* heap, size_t bytes, ashlar_heap_limit_fn* reached,
                                     void* data) ASHLAR_NOTHROW;

/* The calling thread owns the heap from now on: 0. The former owner must not use the heap meanwhile. -1 with EINVAL and
 * a line for what is no heap. */
ASHLAR_API int ashlar_heap_adopt(ashlar_heap* heap) ASHLAR_NOTHROW;

/* Makes the heap the calling thread's current one, until the ashlar_heap_pop that belongs to it: what the thread then
 * asks of malloc, calloc, aligned_alloc and their relatives and of operator new is a block of the heap, with the
 * alignment and errors of those functions, ENOMEM at the heap's limit as well. free and realloc take any block as
 * before, and realloc leaves it in its heap. What libc and other libraries allocate meanwhile to keep is the heap's as
 * well. A heap that is pushed cannot be ended: ashlar_heap_destroy and
 * ashlar_heap_delete return -1 with EBUSY and a line. Pushes nest, up to ASHLAR_HEAP_PUSH_MAX of a thread, also of the
 * same heap. They end with the thread; a forked child has those of the thread that forked. Returns 0; -1 with EINVAL
 * and a line for what is no heap, and with ENOMEM. */
#define ASHLAR_HEAP_PUSH_MAX 64
ASHLAR_API int ashlar_heap_push(ashlar_heap* heap) ASHLAR_NOTHROW;

/* Ends the calling thread's last push, and returns 0. -1 with EINVAL and a line where there is none. */
ASHLAR_API int ashlar_heap_pop(void) ASHLAR_NOTHROW;

struct ashlar_heap_figures {
  size_t bytes;      /* of its pages */
  size_t peak_bytes; /* the most that it had */
  size_t limit;      /* 0: none */
  size_t blocks;     /* in use */
  size_t used_bytes; /* of these, with rounding */
  size_t kept_bytes; /* free, at the owner's hand */
  size_t chunks;     /* of 64 KiB */
  size_t large;      /* blocks with pages of their own */
};

/* Fills *figures, and returns 0. The owner's may be a few blocks old. The time grows with the heap's pages. -1 with
 * EINVAL and a line for what is no heap, and for NULL. */
ASHLAR_API int ashlar_heap_stats(ashlar_heap* heap, struct ashlar_heap_figures* figures) ASHLAR_NOTHROW;

/* Calls `visit` for each block in use, with its usable bytes, until that returns not 0, and returns what it returned
 * last. No other thread may use the heap meanwhile. `visit` may free the block that it is given, by ashlar_heap_free or
 * free, and do nothing else to the heap. -1 with EINVAL and a line for what is no heap, and for NULL. */
typedef int ashlar_heap_visit_fn(void* block, size_t bytes, void* data);
ASHLAR_API int ashlar_heap_visit(ashlar_heap* heap, ashlar_heap_visit_fn* visit, void* data) ASHLAR_NOTHROW;

/* The heap of a block in use; NULL if it is not a heap's (also after ashlar_heap_delete). Any address will do. */
ASHLAR_API ashlar_heap* ashlar_heap_of(const void* block) ASHLAR_NOTHROW;

/* The name, which lives as long as the heap. NULL with EINVAL and a line for what is no heap. */
ASHLAR_API const char* ashlar_heap_name(const ashlar_heap* heap) ASHLAR_NOTHROW;

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-use-using,readability-identifier-naming) */

#endif
