// Shows: a C program loads a plug-in in C++ at run time, and with it libstdc++, as servers and interpreters do. The
// preloaded library was there before any C++ runtime.
// Right: the plug-in catches std::bad_alloc. Argument: the plug-in.
#include <dlfcn.h>

#include "case.h"

int main(int argc, char** argv) {
  CHECK(argc == 2);
  void* plugin = dlopen(argv[1], RTLD_NOW);
  CHECK(plugin != NULL);
  int (*catches)(size_t) = (int (*)(size_t))dlsym(plugin, "catches_bad_alloc");
  CHECK(catches((size_t)1 << 50) == 1);
  return 0;
}
