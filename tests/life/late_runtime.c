// Is a C program that loads a C++ library at run time, like python, postgres, nginx and php. operator new of that
// library throws std::bad_alloc when memory is short, and calls the new_handler that the library set. Its nothrow forms
// return null. Fails unless the C++ runtime is looked up when it is needed, since there was none at the start.
// Arguments: the library, "local" or "global".
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  void* library = dlopen(argv[1], RTLD_NOW | (strcmp(argv[2], "local") == 0 ? RTLD_LOCAL : RTLD_GLOBAL));
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 2;
  }
  int (*run)(void) = (int (*)(void))dlsym(library, "run");
  int failed = run == NULL ? -1 : run();
  if (failed != 0) fprintf(stderr, "step %d failed\n", failed);
  return failed != 0;
}
