// Opens a library by a bare name, which only the run path of this one leads to.
#include <dlfcn.h>

extern "C" void* open_by_name(const char* name) {
  void* volatile library = dlopen(name, RTLD_NOW | RTLD_DEEPBIND);  // no tail call: this is the caller
  return library;
}
