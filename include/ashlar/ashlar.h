/* Ashlar: glibc's malloc interface with names that start with ashlar_, and functions for statistics and profiles.
 * libashlar.so and libashlar.a always export these functions, whether or not they replace malloc itself. A block from
 * one of the allocation functions may be given to any other function here. Where Ashlar replaces malloc, it may also
 * be given to malloc's family.
 *
 * Sizes and alignments are in bytes. Every block is aligned to at least 16 bytes, which suffices for any standard
 * type. All functions are thread-safe. None is async-signal-safe. "Specified by NAME(3)" means that the function does
 * what that manual page says, with the additions that are described here.
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
/* Marks a parameter as an address that the function does not read from. Without it GCC warns that the memory is not
 * initialised. */
#ifdef ASHLAR_ADDRESS_ONLY /* the library's own sources */
#elif defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define ASHLAR_ADDRESS_ONLY(parameter) __attribute__((access(none, parameter)))
#else
#define ASHLAR_ADDRESS_ONLY(parameter)
#endif

/* Returns the version as the string "MAJOR.MINOR.PATCH". The string has static storage and must not be freed. Never
 * fails. */
ASHLAR_API const char* ashlar_version(void) ASHLAR_NOTHROW;

/* Returns a block of at least `size` bytes, which are not initialised. If `size` is 0, returns a unique block that can
 * be freed. Returns NULL with errno ENOMEM if there is no memory or if `size` is above PTRDIFF_MAX. Thread-safe.
 * Specified by malloc(3). */
ASHLAR_API void* ashlar_malloc(size_t size) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));

/* Frees a block. Does nothing if `block` is NULL. errno does not change. If `block` is not the start of a block in
 * use, the behaviour is undefined; where Ashlar notices it, the process ends with a message (abort(3)). Thread-safe.
 * Specified by free(3). */
ASHLAR_API void ashlar_free(void* block) ASHLAR_NOTHROW;

/* Returns a block of count * size bytes, all of them zero. Returns NULL with errno ENOMEM if the product overflows,
 * and in the cases of ashlar_malloc. Thread-safe. Specified by calloc(3). */
ASHLAR_API void* ashlar_calloc(size_t count, size_t size) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1, 2)));

/* Changes the size of a block to `size` bytes and returns the block, which may have moved. The contents are kept up to
 * the smaller of the old and the new size. A NULL block is allocated as by ashlar_malloc. If `size` is 0 and `block`
 * is not NULL, frees the block and returns NULL, like glibc. On failure returns NULL with errno ENOMEM, and the block
 * is unchanged. Thread-safe. Specified by realloc(3). */
ASHLAR_API void* ashlar_realloc(void* block, size_t size) ASHLAR_NOTHROW __attribute__((alloc_size(2)));

/* Does what ashlar_realloc(block, count * size) does. Returns NULL with errno ENOMEM if the product overflows; the
 * block is then unchanged. Thread-safe. Specified by reallocarray(3). */
ASHLAR_API void* ashlar_reallocarray(void* block, size_t count, size_t size) ASHLAR_NOTHROW
    __attribute__((alloc_size(2, 3)));

/* Returns a block of at least `size` bytes at a multiple of `alignment`, which must be a power of two. `size` need not
 * be a multiple of it. Returns NULL with errno EINVAL if `alignment` is not a power of two, or ENOMEM if there is no
 * memory. Thread-safe. Specified by aligned_alloc(3). */
ASHLAR_API void* ashlar_aligned_alloc(size_t alignment, size_t size) ASHLAR_NOTHROW
    __attribute__((malloc, alloc_align(1), alloc_size(2)));

/* Does what ashlar_aligned_alloc does, except that an alignment that is not a power of two is rounded up to one, like
 * glibc's memalign. Returns NULL with errno EINVAL only if no power of two is large enough, or ENOMEM if there is no
 * memory. Thread-safe. Specified by memalign(3). */
ASHLAR_API void* ashlar_memalign(size_t alignment, size_t size) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(2)));

/* Stores a block of at least `size` bytes at a multiple of `alignment` in *block and returns 0. Returns EINVAL if
 * `alignment` is not a power of two that is a multiple of sizeof(void*), or ENOMEM if there is no memory. *block is
 * then unchanged. ENOMEM is also stored in errno, like glibc. Thread-safe. Specified by posix_memalign(3). */
ASHLAR_API int ashlar_posix_memalign(void** block, size_t alignment, size_t size) ASHLAR_NOTHROW;

/* Return a block of at least `size` bytes at a multiple of the system's page size. ashlar_pvalloc also rounds `size`
 * up to a multiple of that page size. Both return NULL with errno ENOMEM if there is no memory. Thread-safe. Specified
 * by valloc(3). */
ASHLAR_API void* ashlar_valloc(size_t size) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));
ASHLAR_API void* ashlar_pvalloc(size_t size) ASHLAR_NOTHROW __attribute__((malloc));

/* Returns how many bytes of a block may be used, which is at least the size that was requested. Returns 0 for NULL. A
 * pointer that is not the start of a block ends the process with a message where that is noticed. Thread-safe.
 * Specified by malloc_usable_size(3). */
ASHLAR_API size_t ashlar_malloc_usable_size(void* block) ASHLAR_NOTHROW;

/* Free a block as ashlar_free does. ashlar_cfree is specified by cfree(3). ashlar_free_sized and
 * ashlar_free_aligned_sized also take the size, or the alignment and the size, that were requested (C23, 7.24.3.4 and
 * 7.24.3.5). These are never needed to find the block, so a wrong one does no harm. Under the options slab_debug and
 * harden a wrong size is reported as a fault, unless the option mismatch is 0. errno does not change. Thread-safe. */
ASHLAR_API void ashlar_cfree(void* block) ASHLAR_NOTHROW;
ASHLAR_API void ashlar_free_sized(void* block, size_t size) ASHLAR_NOTHROW;
ASHLAR_API void ashlar_free_aligned_sized(void* block, size_t alignment, size_t size) ASHLAR_NOTHROW;

/* Sets a parameter of the allocator. Returns 1 on success, or 0 if the parameter is unknown or the value is out of
 * range. Specified by mallopt(3), with these meanings:
 *
 *   M_TRIM_THRESHOLD  bytes of free memory that stay resident even if little is in use (option dirty_min); -1 also sets
 *                     the option decay_ms to its maximum, a day
 *   M_MMAP_THRESHOLD  blocks of this many bytes and more get a mapping of their own (option mmap_threshold); at least
 *                     64 KiB, and values above 32 MiB mean 32 MiB
 *   M_MMAP_MAX        0 means that blocks of up to 32 MiB get no mapping of their own; other values have no effect
 *   M_PERTURB         fills freed memory with a byte and new memory with its complement (option perturb)
 *   M_MXFAST          0 to 160 are accepted without effect
 *   M_ARENA_MAX, M_ARENA_TEST, M_TOP_PAD, M_CHECK_ACTION
 *                     are accepted without effect, because threads share their memory
 *
 * Thread-safe. */
ASHLAR_API int ashlar_mallopt(int parameter, int value) ASHLAR_NOTHROW;

/* Return how much memory the allocator holds, in bytes except where a number is named. They never fail. Specified by
 * mallinfo(3), with these meanings:
 *
 *   arena                bytes held for blocks without a mapping of their own: in use, or free and perhaps resident
 *   ordblks              number of free areas of pages and of free objects in slabs
 *   smblks, fsmblks      number and bytes of the free objects in magazines and depots
 *   hblks, hblkhd        number and bytes of the blocks with a mapping of their own
 *   uordblks, fordblks   the bytes of arena that are in use, and those that are free
 *   keepcost             bytes of free pages that malloc_trim at least returns to the system
 *
 * The other fields are 0. The int fields of mallinfo are clipped to INT_MAX. The figures are collected while other
 * threads allocate and free, so they may differ by a few blocks. The structures are libc's where it has them: musl has
 * neither, and glibc has mallinfo2 since 2.33. Thread-safe. */
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

/* Writes the same figures, by size class and named cache, to `stream` as XML. Returns 0, or EINVAL if `options` is not
 * 0. An error of the stream is reported by ferror(3). Thread-safe. Specified by malloc_info(3). */
ASHLAR_API int ashlar_malloc_info(int options, FILE* stream) ASHLAR_NOTHROW;

/* Writes a short report to stderr: totals in KiB, then a line for each size class in use (ashlar(7)). Thread-safe.
 * Specified by malloc_stats(3). */
ASHLAR_API void ashlar_malloc_stats(void) ASHLAR_NOTHROW;

/* Returns all free memory to the system: the calling thread's magazines, the depots and all resident free pages. `pad`
 * is ignored. Returns 1 if any memory was returned to the system, else 0. Thread-safe. Specified by malloc_trim(3). */
ASHLAR_API int ashlar_malloc_trim(size_t pad) ASHLAR_NOTHROW;

/* What the memory is used for. Fields are in bytes unless their comment says otherwise. Later versions may add fields
 * at the end and raise ASHLAR_STATS_VERSION. The meaning of a field never changes. */
#define ASHLAR_STATS_VERSION 1
#define ASHLAR_STATS_CACHES 64

/* A cache of objects of one size, which here is one of malloc's size classes. Fields without a unit count objects. */
struct ashlar_cache_stats {
  uint64_t object_size; /* bytes of an object */
  uint64_t live;        /* in use by the program */
  uint64_t magazines;   /* free in threads' magazines */
  uint64_t depot;       /* free in the depot, for any thread, or in the stock of a processor */
  uint64_t slab_free;   /* free in slabs, or never used there */
  uint64_t slabs;       /* number of slabs */
  uint64_t slab_bytes;  /* bytes of these slabs */
};

struct ashlar_stats {
  uint32_t version;        /* ASHLAR_STATS_VERSION of the library */
  uint32_t size;           /* bytes of the structure that were filled */
  uint64_t live_slab;      /* the program's blocks up to 32 KiB and objects of named caches, rounding included */
  uint64_t live_runs;      /* the program's blocks of whole pages */
  uint64_t live_vmalloc;   /* the program's blocks with a mapping of their own */
  uint64_t magazines;      /* free objects in threads' magazines */
  uint64_t depot;          /* free objects in depots and processors' stocks */
  uint64_t slab_free;      /* free in slabs, or never used there, or too little for an object */
  uint64_t dirty_free;     /* free pages that may still be resident */
  uint64_t clean_free;     /* free pages that are not */
  uint64_t purged;         /* returned to the system since the process started */
  uint64_t peak;           /* the maximum that slabs and runs took at once */
  uint64_t metadata;       /* address space of Ashlar's own structures, mostly untouched */
  uint64_t vmalloc_blocks; /* number of blocks with a mapping of their own */
  uint64_t threads;        /* number of threads with a heap */
  uint32_t cache_count;    /* number of caches below */
  uint32_t pressure;       /* when last read: 0, 1 while some tasks of the cgroup or system wait for memory, 2 while
                              all do or the cgroup is above memory.high; then fewer free pages stay resident */
  struct ashlar_cache_stats caches[ASHLAR_STATS_CACHES]; /* by size; those without a slab too */
};

/* Fills the first `size` bytes of *stats, or as many as the library knows, and returns 0. `size` is the caller's
 * sizeof *stats, so that programs and libraries of different versions work together. Returns EINVAL if `stats` is NULL
 * or if `size` is too small for the fields `version` and `size`. errno does not change. Each layer is read in turn
 * while other threads allocate and free, so the figures of a busy process may differ by a few objects. Thread-safe. */
ASHLAR_API int ashlar_stats_snapshot(struct ashlar_stats* stats, size_t size) ASHLAR_NOTHROW;

/* Functions of the program that Ashlar calls when memory is short, so that the program can drop data or log the fact.
 *
 * A failure function is called when an allocation fails. It gets the bytes and the alignment that were requested;
 * SIZE_MAX bytes if a product overflowed. It is called for malloc's family, operator new and the functions of cache.h,
 * pages.h and vmalloc.h, and for those of mempool.h when the reserve is empty too. The call still fails with ENOMEM. A
 * C++ program that wants to try again uses std::set_new_handler.
 *
 * A pressure function is called when `pressure` of struct ashlar_stats has changed, also when it returns to 0. Ashlar
 * reads the pressure several times a second while threads allocate, so a process that does not allocate is not
 * notified. Under the options memcg=0 and mmap_only the pressure is not read and the function is never called.
 *
 * Both are called on a thread that allocates, within its call, and no lock of Ashlar is held. Several threads may call
 * them at once. They follow these rules:
 *
 *   1. They may use all functions of Ashlar, and may free what other threads allocated. Their own allocations notify no
 *      function.
 *   2. They must return normally: no exception, no longjmp(3), no fork(2).
 *   3. They must not take a lock that the program holds while it allocates.
 *
 * They are not called in a signal handler that interrupted the allocator. errno does not change. */
typedef void ashlar_failure_function(size_t size, size_t alignment, void* argument);
typedef void ashlar_pressure_function(uint32_t pressure, void* argument);

/* Registers a function to be called with `argument` from now on, and returns 0. Returns EINVAL if `function` is NULL,
 * or ENOSPC if 8 functions of its kind are registered. Thread-safe. */
ASHLAR_API int ashlar_on_failure(ashlar_failure_function* function, void* argument) ASHLAR_NOTHROW;
ASHLAR_API int ashlar_on_pressure(ashlar_pressure_function* function, void* argument) ASHLAR_NOTHROW;

/* Unregisters a function that was registered with the same argument, and returns 0. Returns ENOENT if there is none.
 * Waits until no thread runs the function, unless the caller is itself such a function. A forked child does not wait
 * for threads of its parent. Thread-safe. */
ASHLAR_API int ashlar_off_failure(ashlar_failure_function* function, void* argument) ASHLAR_NOTHROW;
ASHLAR_API int ashlar_off_pressure(ashlar_pressure_function* function, void* argument) ASHLAR_NOTHROW;

/* Starts a profile of allocations and returns 0. On average one in `rate` allocated bytes is picked at random, and the
 * block that contains it is followed, with its stack, until it is freed. A rate of 1 samples each block. A rate of 0
 * means 512 KiB. While a profile is on, the call changes its rate. Returns EAGAIN in a signal handler that interrupted
 * malloc, or ENOMEM if there is no memory for the profile. Thread-safe. See ashlar(7). */
ASHLAR_API int ashlar_profile_start(size_t rate) ASHLAR_NOTHROW;

/* Stops sampling. Blocks that were sampled before stay in the profile and are followed until they are freed. Does
 * nothing if no profile is on. Thread-safe. See ashlar(7). */
ASHLAR_API void ashlar_profile_stop(void) ASHLAR_NOTHROW;

/* Writes the profile to the file `path` as text in the format of ashlar(7), and returns 0. Returns EINVAL if `path` is
 * NULL, ENODATA if no profile was ever started, EAGAIN in a signal handler that interrupted malloc, or the error
 * number of the file operation that failed. errno does not change. Thread-safe. */
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
