// api, private: a sanitizer in the program whose own malloc lies behind this library's, as that of GCC's shared
// libtsan, libasan and liblsan does under LD_PRELOAD. It finds errors in blocks of its own alone, and takes what
// threads hand on inside another allocator for races. So malloc's family is passed on to it.
#pragma once

#include <cstddef>

#include "os/sanitizers.h"

namespace ashlar::api::sanitizer {

// Whether the process's blocks are the sanitizer's. Decided at the first call.
[[gnu::cold]] bool allocates();

// False at once in a process without a sanitizer.
[[gnu::always_inline]] inline bool has_malloc() {
  return os::kTellsOrder && (&__tsan_acquire != nullptr || &__lsan_register_root_region != nullptr) && allocates();
}

// Whether a block is the sanitizer's: it is none of ours. Only if it allocates.
bool made(const void* p);
[[gnu::always_inline]] inline bool has(const void* p) { return has_malloc() && made(p); }

// The sanitizer's functions. Only if it allocates.
void* malloc(std::size_t size);
void* calloc(std::size_t bytes);
void* memalign(std::size_t alignment, std::size_t size);
void* realloc(void* p, std::size_t size);
void free(void* p);
std::size_t malloc_usable_size(void* p);

}  // namespace ashlar::api::sanitizer
