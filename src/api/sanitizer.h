// api, private: a sanitizer in the program whose own malloc is behind this library's, like those of GCC's shared
// libtsan, libasan and liblsan under LD_PRELOAD. It finds errors only in its own blocks, and reports what threads pass
// on inside another allocator as races. So the calls of malloc's family are passed on to it.
#pragma once

#include <cstddef>

#include "os/sanitizers.h"

namespace ashlar::api::sanitizer {

// Returns whether the process's blocks are the sanitizer's. This is decided at the first call.
[[gnu::cold]] bool allocates();

// The same, fast: false at once in a process without a sanitizer.
[[gnu::always_inline]] inline bool has_malloc() {
  return os::kTellsOrder && (&__tsan_acquire != nullptr || &__lsan_register_root_region != nullptr) && allocates();
}

// Returns whether a block is the sanitizer's, that is, not one of ours. Precondition: the sanitizer allocates.
bool made(const void* p);
[[gnu::always_inline]] inline bool has(const void* p) { return has_malloc() && made(p); }

// The sanitizer's functions. Precondition: it allocates.
void* malloc(std::size_t size);
void* calloc(std::size_t bytes);
void* memalign(std::size_t alignment, std::size_t size);
void* realloc(void* p, std::size_t size);
void free(void* p);
std::size_t malloc_usable_size(void* p);

}  // namespace ashlar::api::sanitizer
