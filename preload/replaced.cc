// preload: finds out whether malloc, free, realloc and aligned_alloc are ours. In a file apart from their definitions,
// so that each name is bound through the dynamic linker's table, as for any caller.
#include "preload/replaced.h"

#include <stdlib.h>

#include <atomic>

#include "base/hints.h"
#include "heap/heap.h"
#include "os/os.h"

// Our own definitions. Null in a program whose own function replaces the archive's.
extern "C" {
#define OWN [[gnu::weak]]  // not declared hidden: see heap.h
OWN void* ashlar_own_malloc(std::size_t size) noexcept;
OWN void ashlar_own_free(void* block) noexcept;
OWN void* ashlar_own_realloc(void* block, std::size_t size) noexcept;
OWN void* ashlar_own_aligned_alloc(std::size_t alignment, std::size_t size) noexcept;
}

namespace ashlar::preload {

[[ASHLAR_ALWAYS_RUN]] bool stands_in_front() {
  enum : char { kUnknown, kNo, kYes };
  static constinit std::atomic<char> known{kUnknown};  // relaxed: any thread would find the same
  char state = known.load(std::memory_order_relaxed);
  if (state == kUnknown) {
    state = os::is_static() || os::comes_before_libc() ? kYes : kNo;
    known.store(state, std::memory_order_relaxed);
  }
  return state == kYes;
}

[[ASHLAR_ALWAYS_RUN]] void* (*other_malloc())(std::size_t) {
  return is_other<void*(std::size_t)>(&::malloc, &ashlar_own_malloc) && stands_in_front() ? &::malloc : nullptr;
}

[[ASHLAR_ALWAYS_RUN]] void (*other_free())(void*) {
  return is_other<void(void*)>(&::free, &ashlar_own_free) && stands_in_front() ? &::free : nullptr;
}

[[ASHLAR_ALWAYS_RUN]] void* (*other_realloc())(void*, std::size_t) {
  return is_other<void*(void*, std::size_t)>(&::realloc, &ashlar_own_realloc) && stands_in_front() ? &::realloc
                                                                                                   : nullptr;
}

[[ASHLAR_ALWAYS_RUN]] bool malloc_is_replaced() { return other_malloc() != nullptr || other_free() != nullptr; }

[[ASHLAR_ALWAYS_RUN]] bool aligned_alloc_is_replaced() {
  return is_other<void*(std::size_t, std::size_t)>(&::aligned_alloc, &ashlar_own_aligned_alloc) && stands_in_front() &&
         other_free() != nullptr;
}

}  // namespace ashlar::preload

extern "C" [[ASHLAR_ALWAYS_RUN]] bool ashlar_malloc_is_replaced() { return ashlar::preload::malloc_is_replaced(); }
