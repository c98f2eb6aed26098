/* Ashlar: blocks of whole pages from the buddy allocator, the kernel's alloc_pages and its family (include/linux/gfp.h,
 * Documentation/core-api/memory-allocation.rst in the kernel's sources). A page here is 4 KiB, whatever the machine's.
 *
 * All functions are thread-safe; none is async-signal-safe. Where a function is said to write a line, that is one line
 * on stderr that begins with "ashlar: ". These blocks are not malloc's: free() of one ends the process with a line.
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
#define ASHLAR_NO_NODE (-1)  /* NUMA_NO_NODE: the calling thread's node, and any other after it */

/* What an allocation may do, and what is wanted of it. Each function refuses the flags that are not its own:
 *   ashlar_alloc_pages, _node, _exact   ZERO, THISNODE, NORETRY
 *   ashlar_get_free_pages               ZERO, THISNODE, NORETRY
 *   ashlar_get_zeroed_page              THISNODE, NORETRY; ZERO changes nothing
 *   those of ashlar/kmalloc.h           ZERO
 *   ashlar_vrealloc                     ZERO
 *   ashlar_cache_alloc_flags            ZERO, THISNODE, NORETRY
 *   ashlar_cache_alloc_node_flags       ZERO, THISNODE, NORETRY
 *   ashlar_mempool_alloc                WAIT
 * Functions of ashlar/heap.h and ashlar/mallocx.h have none: these headers say what serves instead. */
#define ASHLAR_GFP_KERNEL 0u   /* nothing in particular (GFP_KERNEL) */
#define ASHLAR_GFP_ZERO 1u     /* all bytes zero (__GFP_ZERO); otherwise they are unspecified */
#define ASHLAR_GFP_THISNODE 2u /* from the given node, or not at all (__GFP_THISNODE) */
#define ASHLAR_GFP_NORETRY 4u  /* fail rather than reclaim what caches hold (__GFP_NORETRY) */
#define ASHLAR_GFP_WAIT 8u     /* of mempools: wait until an element comes back (__GFP_DIRECT_RECLAIM) */

/* The descriptor of a page. One for each page that the page allocator has; opaque. */
typedef struct ashlar_page ashlar_page;

/* 2^order pages at a multiple of their own size, at most of 2 MiB; the descriptor of the first. NULL with ENOMEM; NULL
 * with EINVAL and a line for an order above ASHLAR_MAX_ORDER, unknown flags or a node that does not exist. As
 * alloc_pages and alloc_pages_node. */
ASHLAR_API ashlar_page* ashlar_alloc_pages(unsigned order, unsigned flags) ASHLAR_NOTHROW;
ASHLAR_API ashlar_page* ashlar_alloc_pages_node(int node, unsigned order, unsigned flags) ASHLAR_NOTHROW;

/* Frees what ashlar_alloc_pages gave, with the same order; does nothing for NULL. EINVAL and a line, and nothing is
 * freed, if `page` starts no such block, was freed before, or has another order. Where others hold references
 * (ashlar_get_page) it ends the caller's, and the last ashlar_put_page frees the block. As __free_pages. */
ASHLAR_API void ashlar_free_pages(ashlar_page* page, unsigned order) ASHLAR_NOTHROW;

/* The same by the address of the first page, with the arguments in the kernel's order. Errors as above. Blocks are the
 * same: ashlar_virt_to_page and ashlar_page_address lead from one form to the other. get_zeroed_page is order 0 with
 * ASHLAR_GFP_ZERO. As __get_free_pages, get_zeroed_page and free_pages, which here is free_pages_at. */
ASHLAR_API void* ashlar_get_free_pages(unsigned flags, unsigned order) ASHLAR_NOTHROW __attribute__((malloc));
ASHLAR_API void* ashlar_get_zeroed_page(unsigned flags) ASHLAR_NOTHROW __attribute__((malloc));
ASHLAR_API void ashlar_free_pages_at(void* start, unsigned order) ASHLAR_NOTHROW;

/* References to a block of pages. Its allocation is the first one. ashlar_get_page adds one, by any page of the block,
 * for a caller that holds one already, and returns 0; -1 with EINVAL and a line for a page that lies in no such block,
 * or is free. ashlar_put_page ends one: the last frees the block, whatever its order. Nothing for NULL; EINVAL and a
 * line, and nothing is freed, for a page of no such block. Keeps errno otherwise. ashlar_page_count returns the number
 * of references, 0 for what is in no such block. They take time in proportion to the pages between the block's start
 * and `page`. As get_page, put_page and page_count of a compound page. */
ASHLAR_API int ashlar_get_page(ashlar_page* page) ASHLAR_NOTHROW;
ASHLAR_API void ashlar_put_page(ashlar_page* page) ASHLAR_NOTHROW;
ASHLAR_API unsigned ashlar_page_count(const ashlar_page* page) ASHLAR_NOTHROW;

/* As many pages as hold `size` bytes (1 to 32 MiB), at a multiple of ASHLAR_PAGE_SIZE: their address. Errors as above.
 * Freed with the same size, to the page; errors as above. As alloc_pages_exact and free_pages_exact. */
ASHLAR_API void* ashlar_alloc_pages_exact(size_t size, unsigned flags) ASHLAR_NOTHROW
    __attribute__((malloc, alloc_size(1)));
ASHLAR_API void ashlar_free_pages_exact(void* start, size_t size) ASHLAR_NOTHROW;

/* The address of a page; NULL, with errno kept, for what is no descriptor. As page_address. */
ASHLAR_API void* ashlar_page_address(const ashlar_page* page) ASHLAR_NOTHROW;

/* The descriptor of the page in which an address lies, be it malloc's, a cache's or free; NULL, with errno kept, for
 * memory that the page allocator does not have: the stack, libraries, vmalloc areas. As virt_to_page. */
ASHLAR_API ashlar_page* ashlar_virt_to_page(const void* address) ASHLAR_NOTHROW ASHLAR_ADDRESS_ONLY(1);

enum ashlar_page_state {
  ASHLAR_PAGE_FREE,    /* in the page allocator's free areas, or on its way there */
  ASHLAR_PAGE_SLAB,    /* objects of a cache, or of one of malloc's size classes, also where these are checked
                          (slab_debug, harden) or sampled by a profile */
  ASHLAR_PAGE_RUN,     /* one of malloc's blocks of whole pages; with the option slob, blocks of up to 8 KiB too */
  ASHLAR_PAGE_BLOCK,   /* of ashlar_alloc_pages or ashlar_alloc_pages_exact; the ashlar command calls it a run too */
  ASHLAR_PAGE_VMALLOC, /* a mapping of its own: of ashlar_vmalloc, or one of malloc's largest blocks */
};

/* What is known of an address's page. Of what does not apply, 0 or an empty name. */
struct ashlar_page_info {
  enum ashlar_page_state state;
  unsigned order;         /* of a slab, or of a block with a power of two of pages */
  void* start;            /* the first byte of the slab, run, block or area; of a free page its own */
  size_t bytes;           /* and its length */
  int node;               /* the NUMA node by the kernel's number, -1 if it is not known */
  char zone[16];          /* "Normal" or "Huge" */
  char cache[64];         /* of a slab: "malloc-SIZE", or the cache's name, or the names of those that share it */
  size_t object_size;     /* of a slab: bytes from one object to the next */
  unsigned objects;       /* objects that fit in the slab */
  unsigned objects_taken; /* and those that are in use or in some thread's store of free ones */
};

/* Fills *info and returns 0; -1 with ENOENT for an address that is not Ashlar's (ashlar_node_of says EFAULT). What
 * other threads free or allocate meanwhile may make the answer a moment old. */
ASHLAR_API int ashlar_page_describe(const void* address, struct ashlar_page_info* info) ASHLAR_NOTHROW
    ASHLAR_ADDRESS_ONLY(1);

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-use-using,readability-identifier-naming) */

#endif
