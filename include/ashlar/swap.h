/* Ashlar: swap areas within a process, like the kernel's swap_info_struct and swapon(2). An area is a file that backs
 * memory when the process may have no more: under a limit of its memory cgroup, RLIMIT_DATA or strict overcommit.
 * Where the allocator would fail with ENOMEM, it takes memory from the area. The kernel writes such pages to the file
 * and reclaims them like those of any file. docs/design/swap.md describes the layout and the effect of fork(2).
 *
 * All functions are thread-safe. None is async-signal-safe. "With a line" means that the function also writes one line
 * to stderr, which begins with "ashlar: ".
 *
 * SPDX-License-Identifier: MIT */
#ifndef ASHLAR_SWAP_H
#define ASHLAR_SWAP_H

#include "ashlar/ashlar.h"

/* NOLINTBEGIN(modernize-use-using,readability-identifier-naming): C, with the names of C */
#ifdef __cplusplus
extern "C" {
#endif

#define ASHLAR_SWAP_MAX 32   /* maximum of areas in a process (MAX_SWAPFILES) */
#define ASHLAR_SWAP_ANY (-1) /* a priority below all others */
/* or'ed to a priority of 0 to 32767: */
#define ASHLAR_SWAP_KEEP (1 << 16)    /* the file keeps its name */
#define ASHLAR_SWAP_ENCRYPT (1 << 17) /* the kernel encrypts the file, with a key that ends with the process */

/* Creates a sparse file of `bytes` bytes, rounded up to 2 MiB and at most 256 GiB, makes a swap area of it and returns
 * 0.
 *
 * `path` names a folder, or a file that does not exist. Only the owner may read the file. It has no name, or loses it
 * at once, unless ASHLAR_SWAP_KEEP is given. Space on the disk is taken only when it is needed.
 *
 * `priority` is 0 to 32767 or ASHLAR_SWAP_ANY. Areas of a higher priority are used first; those of the same priority
 * are used in the order of the calls.
 *
 * With ASHLAR_SWAP_ENCRYPT, or under the option swap_encrypt, the file is made in a folder of its own that exists for a
 * moment, under a random key that only the kernel has (fscrypt). What is on the disk cannot be read once the process
 * has ended, in whatever way. A child of fork(2) has a key of its own.
 *
 * Returns -1 on failure, with errno
 *
 *   EINVAL   with a line, for no path or a too long one, no bytes or too many, or an unknown priority, or for
 *            ASHLAR_SWAP_KEEP together with ASHLAR_SWAP_ENCRYPT
 *   EOPNOTSUPP  with a line, if the file is to be encrypted and the file system cannot
 *   EPERM    in a set-id program, or if the process has ASHLAR_SWAP_MAX areas
 *   EBUSY    if an area with this path exists
 *   EEXIST   if a file with this name exists
 *   EFBIG    if the file would be larger than RLIMIT_FSIZE allows
 *   ENOMEM   if there is no address space (RLIMIT_AS counts the whole area) or no memory for its descriptors
 *   ENOSYS   under the option mmap_only
 *   EDEADLK  in a signal handler that interrupted malloc
 *
 * or with the error of open(2) for the path. Thread-safe. Like swapon(2). */
ASHLAR_API int ashlar_swapon(const char* path, size_t bytes, int priority) ASHLAR_NOTHROW;

/* Ends the area that was created with `path` and returns 0. Its file ends with it, or remains under its name, without
 * contents, if it was created with ASHLAR_SWAP_KEEP. Returns -1 with errno EINVAL and a line if there is no such area,
 * or with EBUSY if a block lies in it, or EDEADLK in a signal handler that interrupted malloc. Blocks cannot move,
 * since the program has their addresses. Free objects that the calling thread and the depots hold are returned first;
 * those of other threads follow at their next calls. Thread-safe. Like swapoff(2), except that this moves pages. */
ASHLAR_API int ashlar_swapoff(const char* path) ASHLAR_NOTHROW;

/* Returns a block of at least `size` bytes for data that is seldom used. It is taken from a swap area if one has room,
 * and otherwise as by ashlar_malloc. Blocks of at most 32 KiB, and all blocks under slab_debug, harden, slob, perturb,
 * a profile or a record, are those of ashlar_malloc. The block may be given to free() and realloc(); if realloc()
 * moves it, the new block is an ordinary one. Under the option cold the kernel is told decay_ms later that the block
 * is idle, in an area or not: it then reclaims these pages before others (MADV_COLD) or at once (MADV_PAGEOUT). Blocks
 * with a mapping of their own, from 32 MiB on without an area, are left to the kernel. Returns NULL with errno ENOMEM
 * if there is no memory. Thread-safe. */
ASHLAR_API void* ashlar_malloc_cold(size_t size) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));

/* The figures of one area, in bytes. */
struct ashlar_swap_info {
  const char* path; /* absolute; stays valid */
  size_t bytes;     /* size of the area */
  size_t used;      /* in blocks, and in slabs that have objects in use */
  size_t backed;    /* of the file that may take space on the disk: used, or freed and not yet returned */
  int priority;
};

/* Fills *info with the figures of the area with an index, which counts from 0, and returns 0. Returns -1 with errno
 * ENOENT if there is no such area, or in a signal handler that interrupted malloc, or with EINVAL and a line if `info`
 * is NULL. Thread-safe. Like the lines of /proc/swaps. */
ASHLAR_API int ashlar_swap_describe(unsigned index, struct ashlar_swap_info* info) ASHLAR_NOTHROW;

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-use-using,readability-identifier-naming) */

#endif
