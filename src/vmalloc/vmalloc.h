// vmalloc: large blocks with a mapping of their own and a guard page behind it, found again through a table of areas.
// They grow by mremap(2), which moves page tables, not bytes. They are given back to the OS when they are freed,
// except for those that malloc's callers are likely to want again at once (page/feedback.h): these are kept, resident
// as they are.
//
// All functions are thread-safe. Locking: the table's lock (kVmalloc) is never held around a system call.
#pragma once

#include <atomic>

#include "page/page.h"

namespace ashlar::vmalloc {

// Maps a block of zeros at a multiple of `alignment` (a power of two); null when there is no memory.
void* alloc(std::size_t bytes, std::size_t alignment);

// False when blocks that can do without a mapping of their own should: the program needs mappings as well.
bool has_room();

// Maps a block of zeros exactly there; false if anything is mapped there, or there is no memory. It has no guard: the
// caller leaves the addresses around it free.
bool alloc_at(void* start, std::size_t bytes);

// Gives the block that starts at p, which alloc_at made, another size in its place; false, and nothing changed, when
// there is no memory, or something in the way.
bool resize_at(void* p, std::size_t bytes);

// Moves the pages of the block that starts at `from`, which alloc_at made, to the start of another such block, in the
// place of its first ones. The first block ends. False, and nothing changed, when the system refuses.
bool move_at(void* from, void* to);

// Whether the block that starts at p may stay as it is for so many bytes: they fit, and are more than half of what was
// asked for last, so that it is not about to shrink.
bool stays_in_place(const void* p, std::size_t bytes);

// The bytes of the block that starts at p, whole pages; 0 if none does.
std::size_t bytes_of(const void* p);

// The start and bytes of the block around p, for messages; false if there is none.
bool find_around(const void* p, const void*& start, std::size_t& bytes);

// Ends the block that starts at p; false if none does.
bool free(void* p);

// Gives the block that starts at p another size, moving it if need be; null, and nothing changed, when refused.
void* resize(void* p, std::size_t bytes);

// --- The same for blocks that need not be zero, and may be ones that were freed (kept.cc)

// As alloc, and `zeroed` tells whether all bytes are zero. The block may be longer by an eighth, of one that is to grow
// (`growing`) four times as long.
void* take(std::size_t bytes, bool growing, bool& zeroed);

// As free. The mapping may be kept.
bool give(void* p);

// As resize to a larger size. The contents may be copied to a mapping that was kept, which faults less in.
void* grow(void* p, std::size_t bytes);

// Unmaps what was kept for longer than the decay time: all of it, for kswapd; true if more is kept. Or a small step,
// for a thread that came for something else.
bool reap();
void reap_step();

// Whether anything may be kept: a hint, so that who finds nothing touches no table.
extern std::atomic<bool> any_kept;

// Unmaps all that is kept; true if there was any.
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

// The bytes of the block that starts at p, in use by the caller, for a thread that may not wait for the lock; 0 if it
// was not found, which says nothing.
[[gnu::cold]] std::size_t peek_bytes_of(const void* p);

void lock_for_fork();
void unlock_in_parent();
void reset_in_child();

}  // namespace ashlar::vmalloc
