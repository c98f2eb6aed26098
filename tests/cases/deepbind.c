// Shows: plug-ins opened with RTLD_DEEPBIND bind to glibc's malloc, and blocks go both ways: made by the plug-in and
// freed by the program ("taken"), made by the program and freed ("dropped") or grown ("grown") by the plug-in.
// Right: none of them crashes or loses what is in the block. Arguments: the way, the plug-in.
// Reports: https://github.com/gperftools/gperftools/issues/1148, https://github.com/jemalloc/jemalloc/issues/2419,
// https://github.com/php/php-src/issues/11564, https://github.com/GrapheneOS/hardened_malloc/issues/98
#include <dlfcn.h>
#include <malloc.h>

#include "case.h"

typedef void* make_function(size_t);
typedef void drop_function(void*);
typedef void* grow_function(void*, size_t);
static make_function* make;
static drop_function* drop;
static grow_function* grow;

static void take_over(size_t size) {
  char* block = make(size);
  CHECK(malloc_usable_size(block) >= size);
  block = realloc(block, size * 2);
  CHECK(block != NULL && block[size - 1] == 5);
  free(block);
}

static void hand_over(size_t size) { drop(filled(size)); }

static void let_grow(size_t size) {
  char* block = grow(filled(size), size * 2);
  CHECK(block != NULL && block[0] == 1 && block[size - 1] == 1);
  free(block);
}

int main(int argc, char** argv) {
  CHECK(argc == 3);
  void* plugin = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  CHECK(plugin != NULL);
  make = (make_function*)dlsym(plugin, "plugin_make");
  drop = (drop_function*)dlsym(plugin, "plugin_drop");
  grow = (grow_function*)dlsym(plugin, "plugin_grow");
  for (size_t i = 1; i < 2000; ++i) {
    const size_t size = i % 400 == 0 ? 1 << 20 : i * 97 % 40000 + 1;
    if (strcmp(argv[1], "taken") == 0) take_over(size);
    if (strcmp(argv[1], "dropped") == 0) hand_over(size);
    if (strcmp(argv[1], "grown") == 0) let_grow(size);
  }
  return 0;
}
