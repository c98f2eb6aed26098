// preload: the way to the definitions that ours hide, for blocks that glibc's own allocator handed out. In the shared
// library alone: a static program has no other allocator, and no dlsym.
#include <dlfcn.h>

#include "api/foreign.h"

extern "C" void* ashlar_next_symbol(const char* name) { return dlsym(RTLD_NEXT, name); }
