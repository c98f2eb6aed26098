/* Ashlar: blocks of whole pages from the buddy allocator, like the kernel's alloc_pages and its family
 * (include/linux/gfp.h, Documentation/core-api/memory-allocation.rst in the kernel's sources). A page here is
 * ASHLAR_PAGE_SIZE bytes, 4 KiB, whatever the machine's page size is.
 *
 * All functions are thread-safe. None is async-signal-safe. "With a line" means that the function also writes one line
 * to stderr, which begins with "ashlar: ". These blocks are not malloc's: free() of one ends the process with a line.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ASHLAR_PAGES_H
#define ASHLAR_PAGES_H

#include "ashlar/ashlar.h"

/* NOLINTBEGIN(modernize-use-using,readability-identifier-naming): C, with the names of C */
#ifdef __cplusplus
extern "C" {
#endif

#define ASHLAR_PAGE_SIZE 4096ul
#define ASHLAR_MAX_ORDER 13u /* 2^13 pages are 32 MiB */
#define ASHLAR_NO_NODE (-1)  /* NUMA_NO_NODE: the calling thread's node, then the other nodes */

/* Flags of an allocation. Each function refuses the flags that it does not take, with EINVAL and a line:
 *
 *   ashlar_alloc_pages, _node, _exact   ZERO, THISNODE, NORETRY
 *   ashlar_get_free_pages               ZERO, THISNODE, NORETRY
 *   ashlar_get_zeroed_page              THISNODE, NORETRY; ZERO changes nothing
 *   those of ashlar/kmalloc.h           ZERO
 *   ashlar_vrealloc                     ZERO
 *   ashlar_cache_alloc_flags            ZERO, THISNODE, NORETRY
 *   ashlar_cache_alloc_node_flags       ZERO, THISNODE, NORETRY
 *   ashlar_mempool_alloc                WAIT
 *
 * The functions of ashlar/heap.h and ashlar/mallocx.h take none of them. Those headers say what to use instead. */
#define ASHLAR_GFP_KERNEL 0u   /* no flag (GFP_KERNEL) */
#define ASHLAR_GFP_ZERO 1u     /* all bytes are zero (__GFP_ZERO); otherwise they are unspecified */
#define ASHLAR_GFP_THISNODE 2u /* from the given node, or fail (__GFP_THISNODE) */
#define ASHLAR_GFP_NORETRY 4u  /* fail instead of reclaiming what caches hold (__GFP_NORETRY) */
#define ASHLAR_GFP_WAIT 8u     /* for mempools: wait until an element is freed (__GFP_DIRECT_RECLAIM) */

/* The descriptor of a page. Each page of the page allocator has one. The type is opaque. */
typedef struct ashlar_page ashlar_page;

/* Allocate a block of 2^order pages and return the descriptor of its first page. The block is aligned to its own size,
 * but to at most 2 MiB. ashlar_alloc_pages_node takes it from the given NUMA node, by the kernel's number, or from
 * others if that has no memory; ASHLAR_NO_NODE means the calling thread's node. Both return NULL with errno ENOMEM if
 * there is no memory, or with EINVAL and a line for an order above ASHLAR_MAX_ORDER, unknown flags or a node that does
 * not exist. Thread-safe. Like the kernel's alloc_pages and alloc_pages_node. */
ASHLAR_API ashlar_page* ashlar_alloc_pages(unsigned order, unsigned flags) ASHLAR_NOTHROW;
ASHLAR_API ashlar_page* ashlar_alloc_pages_node(int node, unsigned order, unsigned flags) ASHLAR_NOTHROW;

/* Frees a block of ashlar_alloc_pages, with the order that it was allocated with. Does nothing for NULL. errno does
 * not change on success. If `page` is not the first page of such a block, was freed before, or has another order,
 * errno is EINVAL, a line is written, and nothing is freed. If the block has more references (ashlar_get_page), the
 * call ends only the caller's one, and the last ashlar_put_page frees the block. Thread-safe. Like the kernel's
 * __free_pages. */
ASHLAR_API void ashlar_free_pages(ashlar_page* page, unsigned order) ASHLAR_NOTHROW;

/* Allocate and free the same blocks by the address of their first page, with the arguments in the kernel's order.
 * Results and errors are those of ashlar_alloc_pages and ashlar_free_pages. ashlar_virt_to_page and
 * ashlar_page_address convert between an address and a descriptor. ashlar_get_zeroed_page is ashlar_get_free_pages
 * with order 0 and ASHLAR_GFP_ZERO. Thread-safe. Like the kernel's __get_free_pages, get_zeroed_page and free_pages,
 * which here is ashlar_free_pages_at. */
ASHLAR_API void* ashlar_get_free_pages(unsigned flags, unsigned order) ASHLAR_NOTHROW __attribute__((malloc));
ASHLAR_API void* ashlar_get_zeroed_page(unsigned flags) ASHLAR_NOTHROW __attribute__((malloc));
ASHLAR_API void ashlar_free_pages_at(void* start, unsigned order) ASHLAR_NOTHROW;

/* Count references to a block of pages. A new block has one reference. Thread-safe.
 *
 * ashlar_get_page adds a reference and returns 0. `page` may be any page of the block, and the caller must hold a
 * reference. Returns -1 with errno EINVAL and a line if the page is free or belongs to no block of pages, or has 2^31
 * references.
 *
 * ashlar_put_page ends a reference, by any page of the block. The last one frees the block, whatever its order. Does
 * nothing for NULL. errno does not change on success. It is EINVAL, with a line, and nothing is freed, if the page
 * belongs to no block of pages.
 *
 * ashlar_page_count returns the number of references, or 0 if the page belongs to no block of pages.
 *
 * The time of each call is proportional to the number of pages between the start of the block and `page`. Like the
 * kernel's get_page, put_page and page_count for compound pages. */
ASHLAR_API int ashlar_get_page(ashlar_page* page) ASHLAR_NOTHROW;
ASHLAR_API void ashlar_put_page(ashlar_page* page) ASHLAR_NOTHROW;
ASHLAR_API unsigned ashlar_page_count(const ashlar_page* page) ASHLAR_NOTHROW;

/* ashlar_alloc_pages_exact allocates the smallest number of pages that hold `size` bytes, 1 to 32 MiB, and returns
 * their address, a multiple of ASHLAR_PAGE_SIZE. It returns NULL with errno ENOMEM if there is no memory, or with
 * EINVAL and a line for another size or unknown flags. ashlar_free_pages_exact frees them; `size`, rounded up to whole
 * pages, must be the same. It does nothing for NULL. errno does not change on success. It is EINVAL, with a line, and
 * nothing is freed, for another size or an address that starts no such block. Thread-safe. Like the kernel's
 * alloc_pages_exact and free_pages_exact. */
ASHLAR_API void* ashlar_alloc_pages_exact(size_t size, unsigned flags) ASHLAR_NOTHROW
    __attribute__((malloc, alloc_size(1)));
ASHLAR_API void ashlar_free_pages_exact(void* start, size_t size) ASHLAR_NOTHROW;

/* Returns the address of the page that a descriptor belongs to, or NULL if `page` is not a descriptor. errno does not
 * change. Thread-safe. Like the kernel's page_address. */
ASHLAR_API void* ashlar_page_address(const ashlar_page* page) ASHLAR_NOTHROW;

/* Returns the descriptor of the page that contains an address, whether the page is malloc's, a cache's or free.
 * Returns NULL for memory that is not the page allocator's: the stack, libraries, vmalloc areas. errno does not
 * change. Thread-safe. Like the kernel's virt_to_page. */
ASHLAR_API ashlar_page* ashlar_virt_to_page(const void* address) ASHLAR_NOTHROW ASHLAR_ADDRESS_ONLY(1);

enum ashlar_page_state {
  ASHLAR_PAGE_FREE,    /* in the page allocator's free areas, or about to be put there */
  ASHLAR_PAGE_SLAB,    /* objects of a cache, or of one of malloc's size classes, also where these are checked
                          (slab_debug, harden) or sampled by a profile */
  ASHLAR_PAGE_RUN,     /* one of malloc's blocks of whole pages; with the option slob, blocks of up to 8 KiB too */
  ASHLAR_PAGE_BLOCK,   /* a block of ashlar_alloc_pages or ashlar_alloc_pages_exact; a run to the command ashlar */
  ASHLAR_PAGE_VMALLOC, /* a mapping of its own: an area of ashlar_vmalloc, or one of malloc's largest blocks */
};

/* What is known about the page of an address. A field that does not apply is 0 or an empty string. */
struct ashlar_page_info {
  enum ashlar_page_state state;
  unsigned order;         /* of a slab, or of a block with a power of two of pages */
  void* start;            /* the first byte of the slab, run, block or area; for a free page its address */
  size_t bytes;           /* the length of the slab, run, block, area or free page */
  int node;               /* the NUMA node by the kernel's number, -1 if it is not known */
  char zone[16];          /* "Normal" or "Huge" */
  char cache[64];         /* of a slab: "malloc-SIZE", the cache's name, or the names of the caches that share it */
  size_t object_size;     /* of a slab: bytes from one object to the next */
  unsigned objects;       /* objects that fit in the slab */
  unsigned objects_taken; /* objects in use, and free ones in magazines and depots */
};

/* Fills *info with what is known about the page of `address`, which may be any address, and returns 0. `info` must not
 * be NULL. Returns -1 with errno ENOENT if the address is not in Ashlar's memory (ashlar_node_of returns EFAULT for
 * it). Other threads may allocate and free meanwhile, so the answer may be slightly out of date. Thread-safe. */
ASHLAR_API int ashlar_page_describe(const void* address, struct ashlar_page_info* info) ASHLAR_NOTHROW
    ASHLAR_ADDRESS_ONLY(1);

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-use-using,readability-identifier-naming) */

#endif
