// os: mappings: reserving, committing, moving, returning and naming memory. Included by os.h, whose contract holds.
//
// Defined in memory.cc, cgroup.cc, huge_pool.cc, mapped_file.cc and pagemap.cc.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/base.h"

namespace ashlar::os {

// Returns the kernel's page in bytes (4, 16 or 64 KiB), read at run time.
[[nodiscard]] std::size_t page_bytes();

// Returns address space that may not be touched (PROT_NONE), or null when there is none (ENOMEM, RLIMIT_AS).
[[nodiscard]] void* reserve(std::size_t bytes);

// Like reserve, and the parts that are committed count for the system's overcommit check (proc(5), overcommit_memory).
// In mode 0 a size larger than memory and swap is refused.
[[nodiscard]] void* reserve_charged(std::size_t bytes);

// Like reserve, at a multiple of `alignment`, a power of two.
[[nodiscard]] void* reserve_aligned(std::size_t bytes, std::size_t alignment);

// Makes part of a reservation readable and writable, zero-filled. Returns false when the system refuses (RLIMIT_AS,
// strict overcommit); then the part is unchanged.
[[nodiscard]] bool commit(void* start, std::size_t bytes);

// Makes whole pages inaccessible and returns their memory; their contents are lost. Returns false, with nothing
// changed, when the system refuses. `commit` makes the pages usable again, zero-filled.
bool seal(void* start, std::size_t bytes);

// Returns the limit of mappings for a process (vm.max_map_count), read once.
[[nodiscard]] std::size_t max_mappings();

// Returns fresh zero-filled memory, or null.
[[nodiscard]] void* map(std::size_t bytes);

// Like map, followed by an inaccessible guard page. `bytes` does not include the guard.
[[nodiscard]] void* map_guarded(std::size_t bytes);

// Maps fresh zero-filled memory exactly there. Returns false if anything is mapped there, or there is no memory.
[[nodiscard]] bool map_at(void* start, std::size_t bytes);

// Moves pages over memory that was mapped before (mremap(2)) and that they replace. Their old addresses are no longer
// mapped. Returns false, with nothing changed, when refused.
[[nodiscard]] bool move_pages(void* from, std::size_t bytes, void* to);

// Moves and resizes what map_guarded returned, and keeps the contents (mremap(2)). Returns null, with nothing changed,
// when refused.
[[nodiscard]] void* remap_guarded(void* start, std::size_t old_bytes, std::size_t new_bytes);

// Ends a mapping, or part of one. Where the system refuses (vm.max_map_count), the memory is returned nevertheless.
void unmap(void* start, std::size_t bytes);
void unmap_guarded(void* start, std::size_t bytes);

// Names of mappings in /proc/PID/maps, for name_memory.
inline constexpr const char* kArenaName = "ashlar: arena";
inline constexpr const char* kMetadataName = "ashlar: metadata";

// Returns the memory of the pages of [start, start + bytes) to the system. The range reads as zero afterwards for
// kDontNeed, and as zero or as before for kFree. Where the OS page is larger than the allocator's, only OS pages that
// lie wholly inside are returned. Sets `start` and `bytes` to the part that was returned. Returns false when nothing
// was, for example when the range is locked (mlock(2)) and the kernel cannot drop locked pages. `name` is the name that
// name_memory gave the mapping.
bool purge(std::uintptr_t& start, std::size_t& bytes, PurgeMode how, const char* name = kArenaName);

// Returns how many bytes of the OS pages of [start, start + bytes) are resident or swapped out (proc(5), pagemap).
// Returns `bytes` where the system does not say.
[[nodiscard]] std::size_t used_bytes(const void* start, std::size_t bytes);

// Returns whether at least half of them are, as far as eight looks tell; true where the system does not say.
[[nodiscard]] bool mostly_used(const void* start, std::size_t bytes);

// Copies the OS pages of [from, from + bytes) that used_bytes counts to `to`, a fresh mapping: of anonymous memory the
// others are zero, too. Returns false, perhaps with a part copied, where the system does not say, or not the truth.
[[nodiscard]] bool copy_used(void* to, const void* from, std::size_t bytes);

// Asks for huge pages in a range, or for none. This is only advice.
void advise_huge(void* start, std::size_t bytes);
void avoid_huge(void* start, std::size_t bytes);

// Returns whether the system makes huge pages of memory that nobody requested them for; false where it does not say.
// Source: the kernel's Documentation/admin-guide/mm/transhuge.rst.
bool huge_pages_everywhere();

// --- The reserved pool of huge pages (huge_pool.cc)

// Maps huge pages of `page` bytes from the pool, of which the system sets as many aside for this mapping. Returns null
// where the pool has too few. A part of such a page can be neither returned nor protected. After a fork, the first
// write to a page takes another one from the pool. Where it has none, the child's write is SIGBUS, and its parent's
// write takes the page from the child.
[[nodiscard]] void* map_from_pool(std::size_t bytes, std::size_t page);
// Makes all pages of such a mapping resident (MADV_POPULATE_WRITE). Returns false where the system refuses, as under a
// limit of the hugetlb controller: a write would be SIGBUS.
[[nodiscard]] bool fill_from_pool(void* start, std::size_t bytes);
// In a forked child: makes such a mapping, whose pages are all resident, one of ordinary memory with the same contents.
// Returns false, and changes nothing, without memory.
[[nodiscard]] bool leave_pool(void* start, std::size_t bytes);

// The size and alignment of a transparent huge page.
inline constexpr std::size_t kHugeBytes = 2_MiB;

// Names anonymous memory in /proc/PID/maps ("[anon:ashlar: WHAT]"), where the kernel can (PR_SET_VMA(2const), 5.17).
void name_memory(void* start, std::size_t bytes, const char* what);

// Returns fresh zero-filled memory that is zero again in the child of any fork, or null where the kernel has no such
// memory (madvise(2), MADV_WIPEONFORK, since Linux 4.14).
[[nodiscard]] void* map_wiped(std::size_t bytes);

}  // namespace ashlar::os
