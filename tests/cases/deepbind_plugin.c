// Part of deepbind.c: a plug-in whose malloc and free are glibc's when it is opened with RTLD_DEEPBIND.
#include <stdlib.h>
#include <string.h>

void* plugin_make(size_t size);
void plugin_drop(void* block);
void* plugin_grow(void* block, size_t size);

void* plugin_make(size_t size) {
  void* block = malloc(size);
  if (block == NULL) abort();
  return memset(block, 5, size);
}
void plugin_drop(void* block) { free(block); }
void* plugin_grow(void* block, size_t size) { return realloc(block, size); }
