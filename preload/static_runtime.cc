// preload: throws std::bad_alloc by the functions of the C++ ABI. In the archive only: a static program has
// std::__throw_bad_alloc only if something else in it needs that, but any handler of the exception has its type.
#include <cstddef>

#include "preload/runtime.h"

extern "C" {
// NOLINTBEGIN(readability-identifier-naming): the ABI's names
[[gnu::weak]] void* __cxa_allocate_exception(std::size_t size) noexcept;
[[gnu::weak]] void __cxa_throw(void* exception, const void* type, void (*destroy)(void*));
// NOLINTEND(readability-identifier-naming)
}
// The type of std::bad_alloc; a vtable's functions begin after two words.
[[gnu::weak]] extern const char bad_alloc_type asm("_ZTISt9bad_alloc");
[[gnu::weak]] extern const void* const bad_alloc_table[] asm("_ZTVSt9bad_alloc");
[[gnu::weak]] void destroy_bad_alloc(void* exception) asm("_ZNSt9bad_allocD1Ev");

void ashlar_throw_bad_alloc() {
  void* (*volatile allocate)(std::size_t) = &__cxa_allocate_exception;
  void (*volatile raise)(void*, const void*, void (*)(void*)) = &__cxa_throw;
  const void* const* volatile table = bad_alloc_table;
  if (allocate == nullptr || raise == nullptr || table == nullptr) return;
  auto* const exception = static_cast<const void**>(allocate(sizeof(void*)));
  *exception = table + 2;
  raise(exception, &bad_alloc_type, &destroy_bad_alloc);
}
