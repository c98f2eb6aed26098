// Runs the interface's tests on the malloc symbols of the process. These are libashlar.so's when it is preloaded, and
// libashlar.a's when it is linked (ASHLAR_TEST_ARCHIVE).
#include <dlfcn.h>
#include <stdlib.h>

#include "api.h"

#ifdef ASHLAR_TEST_ARCHIVE
extern "C" {
void cfree(void*);
void free_sized(void*, size_t);
void free_aligned_sized(void*, size_t, size_t);
}
#define OPTIONAL(symbol) &symbol
#else
#define OPTIONAL(symbol) find(#symbol)
#endif

namespace ashlar_test {
namespace {

#ifndef ASHLAR_TEST_ARCHIVE
// libc's headers do not declare these functions, so they can only be looked up by name.
struct Symbol {
  void* address;
  template <typename Function>
  operator Function*() const {
    return reinterpret_cast<Function*>(address);
  }
};
Symbol find(const char* name) { return {dlsym(RTLD_DEFAULT, name)}; }
#endif

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
}  // namespace

const Api api = {
    "malloc",
    &::malloc,
    &::free,
    &::calloc,
    &::realloc,
    &::reallocarray,
    &::aligned_alloc,
    &::memalign,
    &::posix_memalign,
    &::valloc,
    &::pvalloc,
    &::malloc_usable_size,
    &::mallopt,
    &::mallinfo,
    &::mallinfo2,
    &::malloc_info,
    &::malloc_stats,
    &::malloc_trim,
    OPTIONAL(cfree),
    OPTIONAL(free_sized),
    OPTIONAL(free_aligned_sized),
};

}  // namespace ashlar_test
