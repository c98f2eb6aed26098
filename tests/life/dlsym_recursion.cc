// Calls dlsym, dlerror and dlopen around the allocator. A failed look-up makes glibc allocate and free its message for
// each thread. A tracer that is preloaded before the allocator also looks up malloc at the first call. Fails unless the
// allocator's first call needs no dlsym and holds no lock while it calls other libraries.
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

namespace {
void* look_up(void*) {
  for (int i = 0; i < 200; ++i) {
    CHECK(dlsym(RTLD_DEFAULT, "no_such_symbol_anywhere") == nullptr);
    CHECK(strstr(dlerror(), "no_such_symbol_anywhere") != nullptr);
    CHECK(dlsym(RTLD_NEXT, "malloc") != nullptr);
    CHECK(dlopen("/nonexistent/library.so", RTLD_NOW) == nullptr);
    free(malloc(100));
  }
  return nullptr;
}
}  // namespace

int main(int argc, char**) {
  look_up(nullptr);
  pthread_t threads[8];
  for (pthread_t& thread : threads) CHECK(pthread_create(&thread, nullptr, look_up, nullptr) == 0);
  for (pthread_t thread : threads) CHECK(pthread_join(thread, nullptr) == 0);
  if (argc > 1) {  // run with the tracer: it must really have been in the way
    auto* calls = reinterpret_cast<unsigned long (*)()>(dlsym(RTLD_DEFAULT, "wrapped_calls"));
    CHECK(calls != nullptr && calls() > 2000);
  }
  return 0;
}
