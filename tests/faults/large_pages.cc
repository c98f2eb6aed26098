// Imitates a kernel whose pages have ASHLAR_LARGE_PAGE bytes, as far as a caller of syscall(2) can see. Preloaded
// before libashlar.so, it reports that size in the auxiliary vector, places mappings at such pages and rounds lengths
// to whole pages. Everything that shares a page with the end of a range is unmapped, protected or purged as well. A
// range that starts inside a page ends the process with status 9. With ASHLAR_HIDE_LARGE_PAGES the auxiliary vector has
// the real size.
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "faults/raw_call.h"

extern "C" unsigned long __getauxval(unsigned long type);

namespace {
using namespace ashlar_test;

constexpr unsigned long kPage = ASHLAR_LARGE_PAGE;

constexpr long up(long n) { return static_cast<long>((static_cast<unsigned long>(n) + kPage - 1) & -kPage); }
bool is_aligned(long address) { return (static_cast<unsigned long>(address) & (kPage - 1)) == 0; }
bool has_failed(long result) { return result < 0 && result > -4096; }

void require_aligned(const char* call, long start) {
  if (is_aligned(start)) return;
  constexpr char kWhat[] = ": the range starts inside a page\n";
  raw(SYS_write, 2, reinterpret_cast<long>(call), static_cast<long>(strlen(call)));
  raw(SYS_write, 2, reinterpret_cast<long>(kWhat), sizeof kWhat - 1);
  raw(SYS_exit_group, 9);
}

// Maps `bytes`, in whole pages, at an address that the kernel chooses.
long map_anywhere(long bytes, long protection, long flags) {
  const long room = raw(SYS_mmap, 0, bytes + kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (has_failed(room)) return room;
  const long start = up(room), end = start + bytes;
  if (start != room) raw(SYS_munmap, room, start - room);
  if (end != room + bytes + static_cast<long>(kPage)) raw(SYS_munmap, end, room + static_cast<long>(kPage) - start);
  const long mapped = raw(SYS_mmap, start, bytes, protection, flags | MAP_FIXED, -1, 0);
  if (has_failed(mapped)) raw(SYS_munmap, start, bytes);
  return mapped;
}

long map(const long (&a)[6]) {
  const long bytes = up(a[1]), flags = a[3];
  if ((flags & MAP_ANONYMOUS) == 0) return raw(SYS_mmap, a[0], a[1], a[2], flags, a[4], a[5]);
  if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0) {
    require_aligned("mmap", a[0]);
    return raw(SYS_mmap, a[0], bytes, a[2], flags, a[4], a[5]);
  }
  const long mapped = raw(SYS_mmap, up(a[0]), bytes, a[2], flags, a[4], a[5]);
  if (has_failed(mapped) || is_aligned(mapped)) return mapped;
  raw(SYS_munmap, mapped, bytes);
  return map_anywhere(bytes, a[2], flags);
}

long remap(const long (&a)[6]) {
  require_aligned("mremap", a[0]);
  const long before = up(a[1]), after = up(a[2]);
  if (after <= before || a[3] != MREMAP_MAYMOVE) return raw(SYS_mremap, a[0], before, after, a[3], a[4]);
  const long to = map_anywhere(after, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
  if (has_failed(to)) return to;
  const long moved = raw(SYS_mremap, a[0], before, after, MREMAP_MAYMOVE | MREMAP_FIXED, to);
  if (has_failed(moved)) raw(SYS_munmap, to, after);
  return moved;
}

// Returns the call on the range of whole pages, or null for calls that take no range.
const char* name_of(long number) {
  switch (number) {
    case SYS_munmap: return "munmap";
    case SYS_mprotect: return "mprotect";
    case SYS_madvise: return "madvise";
    case SYS_msync: return "msync";
    case SYS_mbind: return "mbind";
    default: return nullptr;
  }
}

}  // namespace

extern "C" {

unsigned long getauxval(unsigned long type) noexcept {
  return type == AT_PAGESZ && getenv("ASHLAR_HIDE_LARGE_PAGES") == nullptr ? kPage : __getauxval(type);
}

long syscall(long number, ...) noexcept {
  va_list more;
  va_start(more, number);
  long a[6];
  for (long& each : a) each = va_arg(more, long);
  va_end(more);
  if (number == SYS_mmap) return done<long>(map(a));
  if (number == SYS_mremap) return done<long>(remap(a));
  if (const char* const call = name_of(number); call != nullptr) {
    require_aligned(call, a[0]);
    a[1] = up(a[1]);
  }
  return done<long>(raw(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}
}
