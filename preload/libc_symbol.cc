// preload: finds libc's definitions behind ours, for blocks that glibc's own allocator returned, in a library and in a
// dynamic program that links the archive. dlsym is weak: a static program has none, and has no other allocator.
#include <dlfcn.h>

#include "api/foreign.h"
#include "base/hints.h"

#pragma weak dlsym

extern "C" {
[[gnu::visibility("hidden")]] extern const char ashlar_libc_symbol_member = 0;
}

[[ASHLAR_ALWAYS_RUN]] void* ashlar_libc_symbol(const char* name) {
  void* (*volatile find)(void*, const char*) = &dlsym;
  return find != nullptr ? find(RTLD_NEXT, name) : nullptr;
}
