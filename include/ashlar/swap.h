/* Ashlar: swap areas, the kernel's swap_info_struct and swapon(2) within a process. An area is a file that backs memory
 * which the process may not have otherwise: under a limit of its memory cgroup, RLIMIT_DATA or strict overcommit. Where
 * the allocator would fail with ENOMEM, it goes on in the area. The kernel writes such pages to the file and takes them
 * back as it takes any file's pages. docs/design/swap.md says what is where, and what fork does.
 *
 * All functions are thread-safe; none is async-signal-safe.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ASHLAR_SWAP_H
#define ASHLAR_SWAP_H

#include "ashlar/ashlar.h"

/* NOLINTBEGIN(modernize-use-using,readability-identifier-naming): C, with the names of C */
#ifdef __cplusplus
extern "C" {
#endif

#define ASHLAR_SWAP_MAX 32         /* areas of a process (MAX_SWAPFILES) */
#define ASHLAR_SWAP_ANY (-1)       /* a priority below all others */
#define ASHLAR_SWAP_KEEP (1 << 16) /* or'ed to a priority of 0 to 32767: the file keeps its name */

/* Makes a sparse file of `bytes`, rounded up to 2 MiB (at most 256 GiB), which only its owner may read, and an area of
 * it. `path` names a folder, or a file that does not exist; the file has no name, or loses it at once, unless
 * ASHLAR_SWAP_KEEP is given. Nothing of the disk is taken before it is needed. Areas of a higher priority are used
 * first, and of the same priority in the order of the calls. 0, or -1 with errno:
 *   EINVAL   an empty or too long path, no bytes or too many, an unknown priority
 *   EPERM    a set-id program, or the process has ASHLAR_SWAP_MAX areas
 *   EBUSY    an area of the path is on
 *   EEXIST   a file has the name
 *   EFBIG    the file would be larger than RLIMIT_FSIZE allows
 *   ENOMEM   no address space (RLIMIT_AS counts all of an area), or no memory for its descriptors
 *   ENOSYS   under the option mmap_only
 * and what open(2) says of the path. As swapon(2). */
ASHLAR_API int ashlar_swapon(const char* path, size_t bytes, int priority) ASHLAR_NOTHROW;

/* Ends the area that was made with a path, and its file. 0, or -1 with errno: EINVAL if no area of that path is on;
 * EBUSY while any block lies in it: blocks cannot move, as the program has their addresses. What caches hold is
 * returned first, the calling thread's included; other threads' at their next calls. As swapoff(2), which moves
 * pages. */
ASHLAR_API int ashlar_swapoff(const char* path) ASHLAR_NOTHROW;

/* A block for data that is seldom used: from a swap area if one has room, else from anywhere, as ashlar_malloc. Blocks
 * of at most 32 KiB, and all blocks under slab_debug, harden, slob, perturb, a profile or a record, are
 * ashlar_malloc's. free() and realloc() take it; where realloc moves it, the new block is an ordinary one. By the
 * option cold the kernel is told once, decay_ms later, that a block in an area is idle: it takes the pages before
 * others (MADV_COLD), or at once (MADV_PAGEOUT). NULL with ENOMEM. */
ASHLAR_API void* ashlar_malloc_cold(size_t size) ASHLAR_NOTHROW __attribute__((malloc, alloc_size(1)));

/* Of one area, in bytes. */
struct ashlar_swap_info {
  const char* path; /* from the root; stays valid */
  size_t bytes;     /* of the area */
  size_t used;      /* in blocks, and in slabs that have any */
  size_t backed;    /* of the file, that may take room on the disk: used, or freed and not yet given back */
  int priority;
};

/* Fills *info with the area of an index, from 0; -1 with ENOENT if there are no more. */
ASHLAR_API int ashlar_swap_describe(unsigned index, struct ashlar_swap_info* info) ASHLAR_NOTHROW;

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-use-using,readability-identifier-naming) */

#endif
