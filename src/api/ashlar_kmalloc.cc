// api: blocks by the kernel's names, as documented in include/ashlar/kmalloc.h.
#include "ashlar/kmalloc.h"

#include "api/notices.h"
#include "api/profiled.h"
#include "api/refusal.h"
#include "base/bytes.h"
#include "heap/kernel_api.h"

namespace api = ashlar::api;
namespace heap = ashlar::heap;

namespace {

constexpr unsigned kFlags = ASHLAR_GFP_KERNEL | ASHLAR_GFP_ZERO;

bool are_known(const char* caller, unsigned flags) {
  if ((flags & ~kFlags) == 0) return true;
  api::refuse_flags(caller, flags & ~kFlags, "ASHLAR_GFP_ZERO");
  return false;
}

// Clears the bytes of a block beyond `size`, so that it may grow into them.
void* clear_rest(void* block, size_t size) {
  if (block == nullptr) return nullptr;
  const size_t usable = api::malloc_usable_size(block);
  if (usable > size) ashlar::clear_block(static_cast<char*>(block) + size, usable - size);
  return block;
}

void* allocate(size_t size, unsigned flags) {
  return (flags & ASHLAR_GFP_ZERO) != 0 ? clear_rest(api::calloc(1, size), size) : api::malloc(size);
}

[[gnu::noinline]] void* allocate_checked(const char* caller, size_t size, unsigned flags) {
  return are_known(caller, flags) ? allocate(size, flags) : nullptr;
}

// A block with a mapping of its own needs no clearing: the bytes beyond its size are zero.
void* allocate_anywhere(const char* caller, size_t size, unsigned flags) {
  if (!are_known(caller, flags)) return nullptr;
  api::Quiet quiet;
  if (void* const block = allocate(size, flags)) return block;
  const bool may_map = size >= ASHLAR_PAGE_SIZE && size <= PTRDIFF_MAX;
  if (void* const area = may_map ? heap::allocate_area(size) : nullptr) {
    if (ashlar::profile::active()) ashlar::profile::note(area, size);
    return area;
  }
  quiet.tell();
  errno = ENOMEM;
  return nullptr;
}

void* resize_zeroed(void* block, size_t size) {
  const size_t usable = api::malloc_usable_size(block);
  if (size <= usable) return clear_rest(api::realloc(block, size), size);
  void* const larger = allocate(size, ASHLAR_GFP_ZERO);
  if (larger == nullptr) return nullptr;
  ashlar::copy_block(larger, block, usable);
  api::free(block);
  return larger;
}

}  // namespace

void* ashlar_kmalloc(size_t size, unsigned flags) noexcept {
  if (flags == ASHLAR_GFP_KERNEL) [[likely]]
    return api::malloc(size);
  return allocate_checked("ashlar_kmalloc()", size, flags);
}

void* ashlar_kzalloc(size_t size, unsigned flags) noexcept {
  return allocate_checked("ashlar_kzalloc()", size, flags | ASHLAR_GFP_ZERO);
}

void* ashlar_krealloc(void* block, size_t size, unsigned flags) noexcept {
  if (!are_known("ashlar_krealloc()", flags)) return nullptr;
  if (block == nullptr) return allocate(size, flags);
  if ((flags & ASHLAR_GFP_ZERO) == 0 || size == 0) return api::realloc(block, size);
  return resize_zeroed(block, size);
}

void ashlar_kfree(void* block) noexcept { api::free(block); }
size_t ashlar_ksize(const void* block) noexcept { return api::malloc_usable_size(block); }

void* ashlar_kvmalloc(size_t size, unsigned flags) noexcept {
  return allocate_anywhere("ashlar_kvmalloc()", size, flags);
}

void* ashlar_kvzalloc(size_t size, unsigned flags) noexcept {
  return allocate_anywhere("ashlar_kvzalloc()", size, flags | ASHLAR_GFP_ZERO);
}

void ashlar_kvfree(void* block) noexcept { api::free(block); }
