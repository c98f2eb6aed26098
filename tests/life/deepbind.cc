// Tests a library that is opened with RTLD_DEEPBIND, as php opens its extensions. Blocks pass in both directions
// between the library and the program. Fails unless dlopen drops the flag, since the library's free is libc's
// otherwise. In all else dlopen works as before: a bare name is found by the run path of the calling library, errors
// are reported, and NULL means the program. Arguments: a library of foreign_library.cc, one of deepbind_opener.cc with
// the first in its run path, and the first one's name.
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

namespace {
template <class F>
F* function(void* library, const char* name) {
  auto* f = reinterpret_cast<F*>(dlsym(library, name));
  CHECK(f != nullptr);
  return f;
}

void exchange(void* library) {
  auto* take = function<void*(size_t)>(library, "foreign_malloc");
  auto* change = function<void*(void*, size_t)>(library, "foreign_realloc");
  auto* give = function<void(void*)>(library, "foreign_free");
  for (size_t size = 1; size < (3 << 20); size = size * 3 + 1) {
    for (int i = 0; i < 50; ++i) {
      char* p = static_cast<char*>(malloc(size));
      p[0] = 1;
      give(p);
      p = static_cast<char*>(malloc(size));
      p[0] = 7;
      p = static_cast<char*>(change(p, size * 2));
      CHECK(p != nullptr && p[0] == 7);
      free(p);
      p = static_cast<char*>(take(size));
      p[0] = 7;
      CHECK(malloc_usable_size(p) >= size);
      p = static_cast<char*>(realloc(p, size * 2));
      CHECK(p != nullptr && p[0] == 7);
      give(p);
    }
  }
}
}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 4);
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  CHECK(library != nullptr);
  exchange(library);

  CHECK(dlopen(argv[3], RTLD_NOW | RTLD_DEEPBIND) == nullptr);  // not in the program's run path
  const char* error = dlerror();
  CHECK(error != nullptr && strstr(error, argv[3]) != nullptr);
  void* opener = dlopen(argv[2], RTLD_NOW);
  CHECK(opener != nullptr);
  void* same = function<void*(const char*)>(opener, "open_by_name")(argv[3]);
  CHECK(same != nullptr);
  exchange(same);
  CHECK(dlclose(same) == 0 && dlclose(opener) == 0 && dlclose(library) == 0);
  void* self = dlopen(nullptr, RTLD_NOW);
  CHECK(self != nullptr && dlsym(self, "malloc") != nullptr && dlclose(self) == 0);
  CHECK(dlopen("/nowhere/nothing.so", RTLD_NOW) == nullptr && strstr(dlerror(), "/nowhere/nothing.so") != nullptr);
  CHECK(dlopen(argv[1], 0) == nullptr && dlerror() != nullptr);  // neither lazy nor now
  return 0;
}
