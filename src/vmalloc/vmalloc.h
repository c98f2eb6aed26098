// vmalloc: large blocks, each with a mapping of its own and a guard page after it, found through a table of areas. They
// grow by mremap(2), which moves page tables and no bytes. Freed blocks are unmapped, except for malloc's blocks that
// are likely to be wanted again soon (page/feedback.h): these are kept resident.
//
// All functions are thread-safe. Locking: the table's lock (kVmalloc) is never held around a system call.
//
// What is not in vmalloc.cc is defined in areas.cc, kept.cc and validate_vmalloc.cc.
#pragma once

#include <atomic>

#include "page/page.h"

namespace ashlar::vmalloc {

// Maps a block of zeros at a multiple of `alignment` (a power of two); null when there is no memory.
void* alloc(std::size_t bytes, std::size_t alignment);

// Returns whether blocks that could do without a mapping may have one: the program needs mappings as well.
bool may_map_more();

// Maps a block of zeros at `start`. Returns false if anything is mapped there, or there is no memory. It has no guard:
// the caller leaves the addresses around it free.
bool alloc_at(void* start, std::size_t bytes);

// Resizes a block that alloc_at made, in place. Returns false and changes nothing if there is no memory, or if the
// addresses are taken.
bool resize_at(void* p, std::size_t bytes);

// Moves the pages of `from` over the first pages of `to`, both made by alloc_at, and ends `from`. Returns false and
// changes nothing if the system refuses.
bool move_at(void* from, void* to);

// Returns whether the block at p may stay as it is for `bytes`: they fit, and are more than half of what was last
// asked for, so that the block is not shrinking.
bool stays_in_place(const void* p, std::size_t bytes);

// Returns the bytes of the block that starts at p, a multiple of the page; 0 if there is none.
std::size_t bytes_of(const void* p);

// Finds the start and bytes of the block around p, for messages. Returns false if there is none.
bool find_around(const void* p, const void*& start, std::size_t& bytes);

// Unmaps the block that starts at p. Returns false if there is none.
bool free(void* p);

// Resizes the block that starts at p, and moves it if necessary. Returns null and changes nothing if refused.
void* resize(void* p, std::size_t bytes);

// --- The same for blocks that need not be zero, and may be ones that were freed (kept.cc)

// Like alloc; `zeroed` is set to whether all bytes are zero. The block may be longer than asked for: by an eighth, or
// if it is going to grow (`growing`) up to four times as long.
void* take(std::size_t bytes, bool growing, bool& zeroed);

// Like free, except that the mapping may be kept.
bool free_or_keep(void* p);

// Like resize to a larger size. The contents may be copied to a kept mapping, which causes fewer page faults.
void* grow(void* p, std::size_t bytes);

// Unmaps what was kept for longer than the decay time. reap unmaps all of it, for kswapd, and returns whether more is
// kept; reap_step unmaps a little, for a thread that called for another reason.
bool reap();
void reap_step();

// Whether anything may be kept. A hint, so that callers do not touch the table for nothing.
extern std::atomic<bool> any_kept;

// Unmaps everything that is kept. Returns whether there was anything.
bool drop_kept();

struct Counts {
  std::uint64_t areas = 0;
  std::uint64_t max_areas = 0;
  std::size_t bytes = 0;
  std::size_t max_bytes = 0;
  std::size_t kept_areas = 0;  // free ones
  std::size_t kept_bytes = 0;
};
Counts counts();

// The first rule of the table of areas that does not hold.
[[nodiscard, gnu::cold]] Broken validate();

// Returns the bytes of the caller's block that starts at p, without waiting for the lock; 0 if it was not found, which
// may happen for a block that exists.
[[gnu::cold]] std::size_t peek_bytes_of(const void* p);

void lock_for_fork();
void unlock_in_parent();
void reset_in_child();

}  // namespace ashlar::vmalloc
