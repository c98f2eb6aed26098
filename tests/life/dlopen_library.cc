// Opens libashlar.so by dlopen in a running process that uses glibc's malloc, before and after threads exist. The
// library's TLS must fit the surplus that glibc reserves for such libraries, and existing threads must get a working
// heap. Fails without a small initial-exec TLS segment, and unless glibc's pointers are forwarded to glibc. Arguments:
// the library, and the number of threads that exist before the dlopen.
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

namespace {
using Malloc = void*(size_t);
using Free = void(void*);
using Usable = size_t(void*);
Malloc* library_malloc;
Free* library_free;
Usable* library_usable;
pthread_barrier_t opened;

// Blocks of both allocators, each freed by the library's free.
void exercise(unsigned seed) {
  ashlar_test::Random random(seed);
  void* own[200] = {};
  size_t sizes[200] = {};
  for (int i = 0; i < 20000; ++i) {
    const size_t slot = random.below(200);
    for (size_t at = 0; at < sizes[slot]; at += 97) CHECK(static_cast<unsigned char*>(own[slot])[at] == slot);
    library_free(own[slot]);
    sizes[slot] = ashlar_test::usual_size(random);
    own[slot] = library_malloc(sizes[slot]);
    CHECK(own[slot] != nullptr);
    memset(own[slot], static_cast<int>(slot), sizes[slot]);
    if (i % 16 == 0) {
      void* foreign = malloc(1 + random.below(300000));
      CHECK(library_usable(foreign) >= 1);
      library_free(foreign);
    }
  }
  for (void* p : own) library_free(p);
}

void* existing_thread(void* argument) {
  free(malloc(100));  // has a heap of glibc's already
  pthread_barrier_wait(&opened);
  exercise(static_cast<unsigned>(reinterpret_cast<size_t>(argument)));
  return nullptr;
}

int check_tls(dl_phdr_info* info, size_t, void* found) {
  if (strstr(info->dlpi_name, "libashlar") == nullptr) return 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    if (info->dlpi_phdr[i].p_type == PT_TLS) CHECK(info->dlpi_phdr[i].p_memsz <= 64);
  }
  *static_cast<bool*>(found) = true;
  return 1;
}
}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 3);
  const unsigned count = static_cast<unsigned>(atoi(argv[2]));
  pthread_barrier_init(&opened, nullptr, count + 1);
  pthread_t threads[256];
  for (size_t i = 0; i < count; ++i) {
    CHECK(pthread_create(&threads[i], nullptr, existing_thread, reinterpret_cast<void*>(i)) == 0);
  }
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) dprintf(2, "%s\n", dlerror());
  CHECK(library != nullptr);
  library_malloc = reinterpret_cast<Malloc*>(dlsym(library, "malloc"));
  library_free = reinterpret_cast<Free*>(dlsym(library, "free"));
  library_usable = reinterpret_cast<Usable*>(dlsym(library, "malloc_usable_size"));
  CHECK(library_malloc != nullptr && library_malloc != &malloc);
  bool found = false;
  dl_iterate_phdr(check_tls, &found);
  CHECK(found);
  pthread_barrier_wait(&opened);
  exercise(4711);
  for (size_t i = 0; i < count; ++i) CHECK(pthread_join(threads[i], nullptr) == 0);
  // Threads born after the dlopen, and a dlclose that must not pull the code from under their exit.
  CHECK(dlclose(library) == 0);
  pthread_barrier_init(&opened, nullptr, 1);
  for (size_t i = 0; i < 8; ++i) {
    CHECK(pthread_create(&threads[i], nullptr, existing_thread, reinterpret_cast<void*>(i + 1000)) == 0);
  }
  for (size_t i = 0; i < 8; ++i) CHECK(pthread_join(threads[i], nullptr) == 0);
  return 0;
}
