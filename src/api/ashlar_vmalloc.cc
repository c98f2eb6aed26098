// api: areas with mappings of their own, as documented in include/ashlar/vmalloc.h.
#define ASHLAR_ADDRESS_ONLY(parameter)  // GCC wants it of all callees, or warns
#include "ashlar/vmalloc.h"

#include <cstdint>

#include "api/notices.h"
#include "api/refusal.h"
#include "base/bytes.h"
#include "heap/kernel_api.h"
#include "profile/profile.h"

namespace api = ashlar::api;
namespace heap = ashlar::heap;
namespace profile = ashlar::profile;

namespace {

void* out_of_memory(size_t size) { return api::out_of_memory(size, ashlar::kPageBytes); }

void* allocate(const char* caller, size_t size) {
  if (size == 0) return api::refuse(caller, "the size is 0");
  void* const area = size <= PTRDIFF_MAX ? heap::allocate_area(size) : nullptr;
  if (area == nullptr) return out_of_memory(size);
  if (profile::active()) profile::note(area, size);
  return area;
}

// Off the profile first: another thread may get the addresses at once.
heap::Freed free_area(void* area) {
  if (!profile::active()) return heap::free_area(area);
  const profile::Moving moving = profile::begin_move(area);
  const heap::Freed freed = heap::free_area(area);
  if (freed == heap::Freed::kDone) profile::end_freed(moving);
  else profile::end_move(moving, nullptr, 0);
  return freed;
}

void* resize_area(void* area, size_t size) {
  if (!profile::active()) return heap::resize_area(area, size);
  const profile::Moving moving = profile::begin_move(area);
  void* const moved = heap::resize_area(area, size);
  profile::end_move(moving, moved, size);
  return moved;
}

// Replaces mremap(2) where a seccomp filter or mmap_only forbids it.
void* copy_to_larger(void* area, size_t size) {
  const size_t bytes = ashlar::vmalloc::bytes_of(area);
  void* const larger = size > bytes ? heap::allocate_area(size) : nullptr;
  if (larger == nullptr) return out_of_memory(size);
  if (profile::active()) profile::note(larger, size);
  ashlar::copy_block(larger, area, bytes);
  free_area(area);
  return larger;
}

constexpr const char* kNoArea = "is not the start of an area, or was freed before";

}  // namespace

void* ashlar_vmalloc(size_t size) noexcept { return allocate("ashlar_vmalloc()", size); }
void* ashlar_vzalloc(size_t size) noexcept { return allocate("ashlar_vzalloc()", size); }

void* ashlar_vrealloc(void* area, size_t size, unsigned flags) noexcept {
  constexpr const char* kCaller = "ashlar_vrealloc()";
  if ((flags & ~ASHLAR_GFP_ZERO) != 0) return api::refuse_flags(kCaller, flags & ~ASHLAR_GFP_ZERO, "ASHLAR_GFP_ZERO");
  if (area == nullptr) return allocate(kCaller, size);
  if (heap::interrupted()) return out_of_memory(size);
  if (ashlar::vmalloc::bytes_of(area) == 0) {
    api::refuse_address(kCaller, area, kNoArea);
    return nullptr;
  }
  if (size == 0) {
    ashlar_vfree(area);
    return nullptr;
  }
  if (size > PTRDIFF_MAX) return out_of_memory(size);
  // mremap(2) adds zeroed memory
  void* const moved = resize_area(area, size);
  return moved != nullptr ? moved : copy_to_larger(area, size);
}

void ashlar_vfree(void* area) noexcept {
  if (area == nullptr) return;
  const int saved = errno;
  if (free_area(area) == heap::Freed::kNone) api::refuse_address("ashlar_vfree()", area, kNoArea);
  else errno = saved;
}

int ashlar_is_vmalloc_addr(const void* address) noexcept {
  const void* start = nullptr;
  size_t bytes = 0;
  return heap::find_area_around(address, start, bytes) ? 1 : 0;
}
