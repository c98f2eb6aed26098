// A program in C that loads a library in C++ when it runs, as python, postgres, nginx and php do: operator new of that
// library throws std::bad_alloc when memory is short, calls the new_handler that the library set, and its nothrow forms
// give null. Breaks without: finding the C++ runtime when it is needed, since none was there at the start.
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
