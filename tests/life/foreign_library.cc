// Stands for a plugin that brings allocations of glibc's own malloc into the process. Loaded with RTLD_DEEPBIND, its
// malloc is libc's and not the preloaded one. Loaded by dlmopen, it is that of another libc.
#include <stdlib.h>

extern "C" void* foreign_malloc(size_t size) { return malloc(size); }
extern "C" void* foreign_aligned(size_t alignment, size_t size) { return aligned_alloc(alignment, size); }
extern "C" void foreign_free(void* p) { free(p); }
extern "C" void* foreign_realloc(void* p, size_t size) { return realloc(p, size); }
