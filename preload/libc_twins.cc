// preload: the other names under which glibc exports its allocator.
#include "api/api.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace api = ashlar::api;

EXPORT void* __libc_malloc(std::size_t size) noexcept { return api::malloc(size); }
EXPORT void __libc_free(void* block) noexcept { api::free(block); }
EXPORT void* __libc_calloc(std::size_t count, std::size_t size) noexcept { return api::calloc(count, size); }
EXPORT void* __libc_realloc(void* block, std::size_t size) noexcept { return api::realloc(block, size); }
EXPORT void* __libc_memalign(std::size_t alignment, std::size_t size) noexcept {
  return api::memalign(alignment, size);
}
EXPORT void* __libc_valloc(std::size_t size) noexcept { return api::valloc(size); }
EXPORT void* __libc_pvalloc(std::size_t size) noexcept { return api::pvalloc(size); }
