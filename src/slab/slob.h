// slab: slob, for processes that must stay tiny (the kernel's mm/slob.c, till Linux 6.3): objects of any size share
// blocks of pages, first fit, in lists by size. It costs time, a lock and a search a call, and saves the page or more
// that each size class takes for itself.
//
//   list: < 256 bytes │ < 1 KiB │ the rest
//           └─► block of 16 KiB ──► block ──► …
//
//   block:  ┌──────┬───────┬──┬─────┬────────────┐   out of line, a bit for each 16 bytes:
//           │ out  │ free  │o.│ out │ free       │     used   1111110000000111111111000…
//           └──────┴───────┴──┴─────┴────────────┘     start  1000000000000101000000000…
//
// No header lies among the objects: a block's length is what is used from its start bit to the next.
//
// Thread-safe, by one lock (LockRank::kSlob), which may not be held by the caller. A thread that may not take it, for a
// fork or as it interrupted its holder, reads the bits of its own object (peek_bytes): those do not change. Behind it,
// start bits are set before used bits, and read after them, so that the next object does not seem to belong to it.
#pragma once

#include "page/page.h"

namespace ashlar::slob {

inline constexpr std::size_t kMaxBytes = 8_KiB;  // bytes of the largest object; above, runs waste less
inline constexpr std::size_t kMaxAlignment = kPageBytes;

// True if p lies in a block of slob's. Reads without a lock, as page::class_of does.
inline bool holds(const void* p) { return page::is_slob(p); }

// At least `bytes` bytes, at most kMaxBytes, at a multiple of `alignment`, a power of two up to kMaxAlignment; null
// when there is no memory. The contents are unspecified.
void* allocate(std::size_t bytes, std::size_t alignment, page::Node& node);

// For p in a block of slob's; both abort with a message that names `caller` if it is the start of no object.
void release(void* p, const char* caller);
std::size_t usable_bytes(const void* p, const char* caller);

// The usable bytes of an object that the caller owns, or 0 if p is the start of none. Reads without the lock.
[[gnu::cold]] std::size_t peek_bytes(const void* p);

// Changes an object's size where it stands: shrinking always works, growing where what is behind it is free.
bool resize(void* p, std::size_t bytes);

struct Counts {
  std::uint64_t blocks = 0;
  std::uint64_t objects = 0;
  std::size_t live_bytes = 0;  // in objects, rounding included
  PageCount pages;             // in blocks
};
Counts counts();

// The first rule that does not hold of all blocks, the lists and the counts.
[[nodiscard, gnu::cold]] Broken validate();

void lock_for_fork();
void unlock_in_parent();
void reset_in_child();

}  // namespace ashlar::slob
