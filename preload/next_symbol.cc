// preload: the way to the definitions that ours hide, for what checks need of libc. In the shared library alone.
#include <dlfcn.h>

extern "C" void* ashlar_next_symbol(const char* name) { return dlsym(RTLD_NEXT, name); }
