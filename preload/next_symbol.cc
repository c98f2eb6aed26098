// preload: finds the definitions that ours hide, for checks that call libc's. In the shared library only.
#include <dlfcn.h>

#include "base/hints.h"

extern "C" [[ASHLAR_ALWAYS_RUN]] void* ashlar_next_symbol(const char* name) { return dlsym(RTLD_NEXT, name); }
