// os: huge pages of the system's reserved pool (the kernel's Documentation/admin-guide/mm/hugetlbpage.rst).
#include "os/huge_pool.h"

#include <linux/mman.h>
#include <sys/mman.h>

#include <bit>
#include <cerrno>
#include <cstring>

#include "base/hints.h"
#include "os/call.h"
#include "os/keep_errno.h"
#include "os/os.h"

namespace ashlar::os {

namespace {
constexpr int kPopulateWrite = 23;  // MADV_POPULATE_WRITE, which older headers lack

void* map_pool(std::size_t bytes, std::size_t page, int access) {
  if (options.mmap_only != 0) return nullptr;  // a mapping of the pool could neither be filled nor left
  const KeepErrno keep;
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | std::countr_zero(page) << MAP_HUGE_SHIFT;
  void* const p = call::mmap(nullptr, bytes, access, flags, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}

}  // namespace

[[ASHLAR_SELDOM_RUN]] void* map_from_pool(std::size_t bytes, std::size_t page) {
  return map_pool(bytes, page, PROT_READ | PROT_WRITE);
}

[[ASHLAR_SELDOM_RUN]] void* set_aside_in_pool(std::size_t bytes, std::size_t page) {
  return map_pool(bytes, page, PROT_NONE);
}

[[ASHLAR_SELDOM_RUN]] bool fill_from_pool(void* start, std::size_t bytes) {
  const KeepErrno keep;
  int result = -1;
  do result = call::madvise(start, bytes, kPopulateWrite);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

[[ASHLAR_SELDOM_RUN]] bool leave_pool(void* start, std::size_t bytes) {
  const KeepErrno keep;
  if (used_bytes(start, bytes) != bytes) return false;
  void* const copy = map(bytes);
  if (copy == nullptr) return false;
  call::madvise(copy, bytes, MADV_HUGEPAGE);
  std::memcpy(copy, start, bytes);
  if (call::mremap(copy, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, start) == start) return true;
  call::munmap(copy, bytes);
  return false;
}

}  // namespace ashlar::os
