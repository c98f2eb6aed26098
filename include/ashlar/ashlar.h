/* Ashlar: glibc's malloc interface under names of its own, always exported by libashlar.so and libashlar.a, whether or
 * not they replace malloc itself. A block from one of these functions may be given to any other of them, and, where
 * Ashlar replaces malloc, to malloc's family as well.
 *
 * Sizes and alignments are in bytes. Every block is aligned for any standard type (16 bytes). All functions are
 * thread-safe; none is async-signal-safe. Where "as NAME(3)" is said, that man page is the specification.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ASHLAR_ASHLAR_H
#define ASHLAR_ASHLAR_H

#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* NOLINTBEGIN(modernize-use-using,readability-identifier-naming): C, with the names of C */
#ifdef __cplusplus
extern "C" {
#define ASHLAR_NOTHROW noexcept
#else
#define ASHLAR_NOTHROW __attribute__((nothrow))
#endif
#define ASHLAR_API __attribute__((visibility("default")))
/* Of a function that takes an address and reads nothing there: GCC then does not want the memory initialised. */
#ifdef ASHLAR_ADDRESS_ONLY /* the library's own sources */
#elif defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define ASHLAR_ADDRESS_ONLY(parameter) __attribute__((access(none, parameter)))
#else
#define ASHLAR_ADDRESS_ONLY(parameter)
#endif

/* The version as "MAJOR.MINOR.PATCH". Static storage. */
ASHLAR_API const char* ashlar_version(void) ASHLAR_NOTHROW;

/* A block of at least `size` bytes, uninitialised; for 0 a block of its own that can be freed. NULL with ENOMEM when
 * there is no memory or size is above PTRDIFF_MAX. As malloc(3). */
ASHLAR_API void* ashlar_malloc(size_t size) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));

/* Frees a block, or does nothing for NULL. Keeps errno. A pointer that is no block's ends the process with a message
 * where that is noticed. As free(3). */
ASHLAR_API void ashlar_free(void* block) ASHLAR_NOTHROW;

/* A block of count * size bytes, all zero. NULL with ENOMEM as ashlar_malloc, and when the product overflows. As
 * calloc(3). */
ASHLAR_API void* ashlar_calloc(size_t count, size_t size) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1, 2)));

/* The block with another size, perhaps elsewhere, contents kept up to the smaller size. For a NULL block as
 * ashlar_malloc; for size 0 frees and returns NULL, as glibc does. On failure NULL with ENOMEM, the block unchanged. As
 * realloc(3). */
ASHLAR_API void* ashlar_realloc(void* block, size_t size) ASHLAR_NOTHROW __attribute__((alloc_size(2)));

/* ashlar_realloc(block, count * size), but ENOMEM when the product overflows. As reallocarray(3). */
ASHLAR_API void* ashlar_reallocarray(void* block, size_t count, size_t size) ASHLAR_NOTHROW
    __attribute__((alloc_size(2, 3)));

/* A block at a multiple of `alignment`, which must be a power of two, else NULL with EINVAL; the size may be any. As
 * aligned_alloc(3). */
ASHLAR_API void* ashlar_aligned_alloc(size_t alignment, size_t size) ASHLAR_NOTHROW
    __attribute__((malloc, alloc_align(1), alloc_size(2)));

/* The same, but an alignment that is no power of two is rounded up to one, as glibc does. EINVAL only where there is
 * none. As memalign(3). */
ASHLAR_API void* ashlar_memalign(size_t alignment, size_t size) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(2)));

/* Stores an aligned block through `block` and returns 0; EINVAL when the alignment is no power of two times
 * sizeof(void*), ENOMEM when there is no memory: then *block is as before. ENOMEM is left in errno as well, like glibc
 * does. As posix_memalign(3). */
ASHLAR_API int ashlar_posix_memalign(void** block, size_t alignment, size_t size) ASHLAR_NOTHROW;

/* A block at a multiple of the OS page; pvalloc rounds the size up to whole pages as well. As valloc(3). */
ASHLAR_API void* ashlar_valloc(size_t size) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));
ASHLAR_API void* ashlar_pvalloc(size_t size) ASHLAR_NOTHROW __attribute__((malloc));

/* The bytes that may be used at a block, at least those asked for; 0 for NULL. As
 * malloc_usable_size(3). */
ASHLAR_API size_t ashlar_malloc_usable_size(void* block) ASHLAR_NOTHROW;

/* As ashlar_free (cfree(3)); and with the size, or alignment and size, that were asked for (C23, 7.24.3.4 and 5). They
 * are hints at best and never trusted: a wrong one does no harm. */
ASHLAR_API void ashlar_cfree(void* block) ASHLAR_NOTHROW;
ASHLAR_API void ashlar_free_sized(void* block, size_t size) ASHLAR_NOTHROW;
ASHLAR_API void ashlar_free_aligned_sized(void* block, size_t alignment, size_t size) ASHLAR_NOTHROW;

/* Sets a parameter; 1 on success, 0 if the parameter or the value is unknown. As mallopt(3), with these meanings:
 *   M_TRIM_THRESHOLD  free memory that stays resident however little is in use (option dirty_min)
 *   M_MMAP_THRESHOLD  blocks from this size get a mapping of their own (option mmap_threshold), at most 32 MiB
 *   M_PERTURB         fills freed and new memory (option perturb)
 *   M_ARENA_MAX, M_ARENA_TEST, M_TOP_PAD, M_MMAP_MAX, M_MXFAST, M_CHECK_ACTION: accepted; threads share their memory,
 *                     so there is nothing for them to limit */
ASHLAR_API int ashlar_mallopt(int parameter, int value) ASHLAR_NOTHROW;

/* What the allocator holds; bytes. As mallinfo(3), with these meanings:
 *   arena             held for blocks without a mapping of their own: in use, or free and perhaps resident
 *   ordblks           free blocks: free areas and free objects
 *   smblks, fsmblks   number and bytes of the objects in magazines and depots
 *   hblks, hblkhd     number and bytes of the blocks with a mapping of their own
 *   uordblks, fordblks   the parts of arena in use, and free
 *   keepcost          free pages that malloc_trim gives back at least
 * mallinfo's ints stop at INT_MAX. The structures are libc's where it has them: musl has neither, glibc mallinfo2 from
 * 2.33 on. */
#if !defined(__GLIBC__)
struct mallinfo {
  int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
#endif
#if !defined(__GLIBC__) || (__GLIBC__ == 2 && __GLIBC_MINOR__ < 33)
struct mallinfo2 {
  size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
#endif
ASHLAR_API struct mallinfo ashlar_mallinfo(void) ASHLAR_NOTHROW;
ASHLAR_API struct mallinfo2 ashlar_mallinfo2(void) ASHLAR_NOTHROW;

/* Writes the same, by size class, to a stream as XML; 0, or EINVAL when options is not 0. As malloc_info(3). */
ASHLAR_API int ashlar_malloc_info(int options, FILE* stream) ASHLAR_NOTHROW;

/* Writes a short report to stderr. As malloc_stats(3). */
ASHLAR_API void ashlar_malloc_stats(void) ASHLAR_NOTHROW;

/* Returns all free memory to the OS: 1 if there was any, else 0. The calling thread's magazines, the depots and all
 * resident free pages go; `pad` is ignored. As malloc_trim(3). */
ASHLAR_API int ashlar_malloc_trim(size_t pad) ASHLAR_NOTHROW;

/* What the memory is used for. Bytes, unless something else is said. Later versions may add fields at the end and raise
 * ASHLAR_STATS_VERSION; no field ever changes its meaning. */
#define ASHLAR_STATS_VERSION 1
#define ASHLAR_STATS_CACHES 64

/* A cache of equal objects: one of malloc's size classes. All except the sizes are numbers of objects. */
struct ashlar_cache_stats {
  uint64_t object_size; /* bytes of an object */
  uint64_t live;        /* that the program holds */
  uint64_t magazines;   /* free, at hand for a thread */
  uint64_t depot;       /* free, for any thread, or for those of a processor */
  uint64_t slab_free;   /* free in slabs, or never used there */
  uint64_t slabs;       /* number of slabs */
  uint64_t slab_bytes;  /* bytes that these take */
};

struct ashlar_stats {
  uint32_t version;        /* ASHLAR_STATS_VERSION of the library */
  uint32_t size;           /* bytes that were filled */
  uint64_t live_slab;      /* the program's blocks up to 32 KiB and objects of named caches, rounding included */
  uint64_t live_runs;      /* the program's blocks of whole pages */
  uint64_t live_vmalloc;   /* the program's blocks with a mapping of their own */
  uint64_t magazines;      /* free objects in threads' magazines */
  uint64_t depot;          /* free objects in depots and processors' stocks */
  uint64_t slab_free;      /* free in slabs, or never used there, or too little for an object */
  uint64_t dirty_free;     /* free pages that may still be resident */
  uint64_t clean_free;     /* free pages that are not */
  uint64_t purged;         /* returned to the system since the start */
  uint64_t peak;           /* the most that slabs and runs took at once */
  uint64_t metadata;       /* address space of Ashlar's own structures, mostly untouched */
  uint64_t vmalloc_blocks; /* number of blocks with a mapping of their own */
  uint64_t threads;        /* number of threads with a heap */
  uint32_t cache_count;    /* number of caches below */
  uint32_t pressure;       /* when last read: 0, 1 while some tasks of the cgroup or system wait for memory, 2 while
                              all do or the cgroup is above memory.high; then fewer free pages stay resident */
  struct ashlar_cache_stats caches[ASHLAR_STATS_CACHES]; /* by size; those without a slab too */
};

/* Fills the first `size` bytes of *stats, or as many as the library knows; `size` is the caller's sizeof *stats, so
 * that programs and libraries of different versions fit. 0, or EINVAL when stats is NULL or size is not enough for the
 * first two fields. errno is kept. The figures are taken layer by layer while other threads go on: those of a busy
 * process may be a few objects apart. */
ASHLAR_API int ashlar_stats_snapshot(struct ashlar_stats* stats, size_t size) ASHLAR_NOTHROW;

/* Functions of the program that are called when memory is short, so that it drops what it can do without, or says so.
 *
 * A failure function is called when an allocation fails, with the bytes and the alignment that were asked for (SIZE_MAX
 * bytes where a product overflows): of malloc's family, operator new, and the functions of cache.h, pages.h and
 * vmalloc.h; of those of mempool.h when the reserve is empty, too. The call still fails, with ENOMEM. A C++
 * program that wants another attempt has std::set_new_handler.
 * A pressure function is called when `pressure` of struct ashlar_stats has changed, also back to 0. It is read several
 * times a second, while threads allocate: a process that allocates nothing is not told. Never under the options memcg=0
 * and mmap_only.
 *
 * They are called on a thread that allocates, within its call and with no lock of Ashlar's held, by several threads at
 * a time where several allocations fail. They may use all of Ashlar's functions, and free what other threads allocated.
 * What one of them allocates tells nothing. They must return: no exception, no longjmp(3), no fork(2). They must not
 * take a lock that the program holds while it allocates. They are not called in a signal handler that interrupted the
 * allocator. errno is kept. */
typedef void ashlar_failure_function(size_t size, size_t alignment, void* argument);
typedef void ashlar_pressure_function(uint32_t pressure, void* argument);

/* Has a function called from now on, with an argument of the caller's: 0, EINVAL for a NULL function, ENOSPC when
 * there are 8 of its kind. Thread-safe. */
ASHLAR_API int ashlar_on_failure(ashlar_failure_function* function, void* argument) ASHLAR_NOTHROW;
ASHLAR_API int ashlar_on_pressure(ashlar_pressure_function* function, void* argument) ASHLAR_NOTHROW;

/* Ends that: 0, or ENOENT when it is not there with this argument. Waits for threads that are in it, unless one of
 * these functions calls; a forked child does not wait. Thread-safe. */
ASHLAR_API int ashlar_off_failure(ashlar_failure_function* function, void* argument) ASHLAR_NOTHROW;
ASHLAR_API int ashlar_off_pressure(ashlar_pressure_function* function, void* argument) ASHLAR_NOTHROW;

/* Starts a profile of allocations. One in about `rate` bytes is picked at random, and the block that it lies in is
 * kept track of with its stack until it is freed. `rate` 1 records each block; 0 means 512 KiB. While a profile is on,
 * this changes its rate. 0, EAGAIN in a signal handler that interrupted malloc, or ENOMEM. Thread-safe. */
ASHLAR_API int ashlar_profile_start(size_t rate) ASHLAR_NOTHROW;

/* Ends sampling. What was sampled stays known, and is followed until it is freed. Thread-safe. */
ASHLAR_API void ashlar_profile_stop(void) ASHLAR_NOTHROW;

/* Writes the profile to a file as text (ashlar(7)): 0, EINVAL when path is NULL, ENODATA when no
 * profile was ever started, EAGAIN in a signal handler that interrupted malloc, or the errno of the file. errno is
 * kept. Thread-safe. */
ASHLAR_API int ashlar_profile_dump(const char* path) ASHLAR_NOTHROW;

/* Checks all blocks, live and free, that the options slab_debug, harden and guard_sample or a cache's flags check, as
 * freeing or reusing them would: the number of faults found. Each is reported on stderr; the first ends the process
 * (abort(3)), unless the option debug_continue is on. Blocks that other threads allocate or free meanwhile may be left
 * out. As the kernel's /sys/kernel/slab/CACHE/validate.
 * Then, whatever the options, checks the allocator's own structures: zones, arenas, slabs with their free lists,
 * depots, mappings and the calling thread's magazines. The first rule that does not hold is written to stderr and
 * counts as one fault. Takes each lock for as long as it looks at what the lock protects: other threads wait
 * meanwhile. Thread-safe; in a signal handler that interrupted the allocator only blocks are checked. */
ASHLAR_API size_t ashlar_validate(void) ASHLAR_NOTHROW;

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-use-using,readability-identifier-naming) */

#endif
