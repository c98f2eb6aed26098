// Opens a library by a bare name that only this library's run path leads to.
#include <dlfcn.h>

extern "C" void* open_by_name(const char* name) {
  void* volatile library = dlopen(name, RTLD_NOW | RTLD_DEEPBIND);  // no tail call: this is the caller
  return library;
}
