// preload: the functions of aligned blocks, on which glibc builds no other function, and malloc_usable_size. They are
// weak, since a program may define some of them itself.
#include <malloc.h>
#include <stdlib.h>

#include "api/api.h"
#include "preload/replaced.h"

#define EXPORT extern "C" __attribute__((visibility("default"), weak))

namespace api = ashlar::api;

extern "C" {
[[gnu::visibility("hidden")]] extern const char ashlar_aligned_member = 0;
}

EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return api::aligned_alloc(alignment, size);
}
EXPORT void* memalign(std::size_t alignment, std::size_t size) noexcept { return api::memalign(alignment, size); }
EXPORT int posix_memalign(void** block, std::size_t alignment, std::size_t size) noexcept {
  return api::posix_memalign(block, alignment, size);
}
EXPORT void* valloc(std::size_t size) noexcept { return api::valloc(size); }
EXPORT void* pvalloc(std::size_t size) noexcept { return api::pvalloc(size); }
EXPORT std::size_t malloc_usable_size(void* block) noexcept { return api::malloc_usable_size(block); }

ASHLAR_OWN_NAME("ashlar_own_aligned_alloc", "aligned_alloc");
