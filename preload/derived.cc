// preload: C functions that are defined by free and realloc. Where a program has its own free or realloc, they call
// those. They are weak, since a program may define some of them itself.
#include <stdlib.h>

#include <cerrno>

#include "api/api.h"
#include "base/hints.h"
#include "preload/replaced.h"

#define EXPORT extern "C" __attribute__((visibility("default"), weak))

namespace api = ashlar::api;
namespace preload = ashlar::preload;

extern "C" {
[[gnu::visibility("hidden")]] extern const char ashlar_derived_member = 0;
}

namespace {

[[gnu::noinline]] void free_miss(void* block, std::size_t size) {
  if (const auto other = preload::other_free()) return other(block);
  api::free_as(block, api::Form::kMalloc, size);
}

inline void free_derived(void* block, std::size_t size) {
  if (!ashlar::heap::push(block, ashlar::heap::current_of_derived)) [[unlikely]]
    free_miss(block, size);
  else ashlar::tally::count(ashlar::tally::Event::kFreed);
}

}  // namespace

// Not declared by the headers of glibc 2.36: functions of C23, and functions that newer headers no longer declare.
EXPORT void cfree(void* block) noexcept;
EXPORT void free_sized(void* block, std::size_t size) noexcept;
EXPORT void free_aligned_sized(void* block, std::size_t alignment, std::size_t size) noexcept;

EXPORT void cfree(void* block) noexcept { free_derived(block, api::kNoSize); }
EXPORT void free_sized(void* block, std::size_t size) noexcept { free_derived(block, size); }
EXPORT void free_aligned_sized(void* block, std::size_t, std::size_t size) noexcept { free_derived(block, size); }

extern "C" [[ASHLAR_ALWAYS_RUN]] __attribute__((visibility("default"), weak)) void* reallocarray(
    void* block, std::size_t count, std::size_t size) noexcept {
  const auto other = preload::other_realloc();
  if (other == nullptr) return api::reallocarray(block, count, size);
  std::size_t bytes = 0;
  if (!__builtin_mul_overflow(count, size, &bytes)) return other(block, bytes);
  errno = ENOMEM;
  return nullptr;
}
