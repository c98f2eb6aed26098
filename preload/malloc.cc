// preload: malloc and its family under their own names. No logic here; include/ashlar/ashlar.h says what each does.
#include <malloc.h>
#include <stdlib.h>

#include "api/api.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace api = ashlar::api;

// Tells api/init.cc that malloc is replaced here.
extern "C" {
[[gnu::visibility("hidden")]] extern const char ashlar_malloc_member = 0;
}

// Declared by no header of glibc 2.36: C23's, and functions that newer headers no longer name.
EXPORT void cfree(void* block) noexcept;
EXPORT void free_sized(void* block, std::size_t size) noexcept;
EXPORT void free_aligned_sized(void* block, std::size_t alignment, std::size_t size) noexcept;

EXPORT void* malloc(std::size_t size) noexcept { return api::malloc(size); }
EXPORT void free(void* block) noexcept { api::free(block); }
EXPORT void* calloc(std::size_t count, std::size_t size) noexcept { return api::calloc(count, size); }
EXPORT void* realloc(void* block, std::size_t size) noexcept { return api::realloc(block, size); }
EXPORT void* reallocarray(void* block, std::size_t count, std::size_t size) noexcept {
  return api::reallocarray(block, count, size);
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
EXPORT void cfree(void* block) noexcept { api::free(block); }
EXPORT void free_sized(void* block, std::size_t size) noexcept { api::free_as(block, api::Form::kMalloc, size); }
EXPORT void free_aligned_sized(void* block, std::size_t, std::size_t size) noexcept {
  api::free_as(block, api::Form::kMalloc, size);
}
EXPORT int mallopt(int parameter, int value) noexcept { return api::mallopt(parameter, value); }
EXPORT struct mallinfo mallinfo() noexcept { return api::mallinfo(); }
EXPORT struct mallinfo2 mallinfo2() noexcept { return api::mallinfo2(); }
EXPORT int malloc_info(int options, std::FILE* stream) noexcept { return api::malloc_info(options, stream); }
EXPORT void malloc_stats() noexcept { api::malloc_stats(); }
EXPORT int malloc_trim(std::size_t) noexcept { return api::malloc_trim(); }
