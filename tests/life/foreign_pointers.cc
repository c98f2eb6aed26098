// Passes pointers of glibc's own allocator to the preloaded free, realloc and malloc_usable_size: small blocks, blocks
// that glibc mapped, aligned ones, and blocks of its other arenas (allocated by other threads). Fails unless foreign
// pointers are recognised and passed on to the libc that made them. With dlmopen there are two libcs, and the first one
// aborts if it gets every pointer. A block of the other libc's main arena lies outside the brk heap, since glibc never
// uses brk in a further namespace. It can only be left alone. Arguments: the plugin, and "deepbind" or "dlmopen".
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <vector>

#include "support/check.h"

namespace {
using namespace ashlar_test;
void* (*foreign_malloc)(size_t);
void* (*foreign_aligned)(size_t, size_t);
const size_t kSizes[] = {1, 24, 100, 1000, 1040, 5000, 60000, 127 << 10, 200 << 10, 1 << 20, 40 << 20};

void* make(size_t size, size_t seed) {
  void* p = seed % 3 == 2 ? foreign_aligned(64, size) : foreign_malloc(size);
  CHECK(p != nullptr);
  memset(p, static_cast<int>(seed & 0x7f), size);
  return p;
}
void check(const void* p, size_t size, size_t seed) {
  for (size_t at = 0; at < size; at += size / 64 + 1) CHECK(static_cast<const unsigned char*>(p)[at] == (seed & 0x7f));
}

void use_all(bool forwards) {
  for (size_t seed = 0; seed < 9; ++seed) {
    for (size_t size : kSizes) {
      if (size > (1 << 20) && seed % 9 != 2) continue;
      // realloc to larger, to smaller, to nothing
      for (size_t to : {size * 2, size / 2 + 1}) {
        void* p = make(size, seed);
        CHECK(malloc_usable_size(p) >= size);
        memset(p, static_cast<int>(seed & 0x7f), malloc_usable_size(p));
        void* q = realloc(p, to);
        CHECK(q != nullptr && reinterpret_cast<uintptr_t>(q) % 16 == 0);
        check(q, size < to ? size : to, seed);
        memset(q, 1, to);
        free(q);
      }
      CHECK(realloc(make(size, seed), 0) == nullptr);
      errno = 4711;
      free(make(size, seed));
      CHECK(errno == 4711);
      // a failed realloc leaves a foreign block as it leaves its own
      void* p = make(size, seed);
      CHECK(realloc(p, PTRDIFF_MAX) == nullptr && errno == ENOMEM);
      check(p, size, seed);
      free(p);
      // many at once, so that the frees go past any small cache of glibc's
      if (forwards && size <= 60000) {
        void* many[64];
        for (void*& each : many) each = make(size, seed);
        for (void* each : many) free(each);
      }
    }
  }
}

// A chunk that glibc mapped: up to 2.42 its size counts to the mapping's end, since 2.43 a header less.
void know_mapped_chunks() {
  constexpr size_t kLength = 3 << 12, kMapped = 2;
  auto* words =
      static_cast<size_t*>(mmap(nullptr, kLength, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK(words != MAP_FAILED);
  words[1] = kLength | kMapped;
  CHECK(malloc_usable_size(words + 2) == kLength - 16);
  words[1] = (kLength - 16) | kMapped;
  CHECK(malloc_usable_size(words + 2) == kLength - 24);
  CHECK(munmap(words, kLength) == 0);
}

void* in_thread(void* forwards) {
  use_all(forwards != nullptr);
  return nullptr;
}

// Blocks that the thread leaves behind: of an arena other than the main one, freed by this thread.
void* leave_behind(void* out) {
  for (size_t size : kSizes) static_cast<std::vector<void*>*>(out)->push_back(make(size, 5));
  return nullptr;
}
}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 3);
  const bool deepbind = strcmp(argv[2], "deepbind") == 0;
  void* library = deepbind ? dlopen(argv[1], RTLD_NOW | RTLD_DEEPBIND) : dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW);
  if (library == nullptr) dprintf(2, "%s\n", dlerror());
  CHECK(library != nullptr);
  foreign_malloc = reinterpret_cast<void* (*)(size_t)>(dlsym(library, "foreign_malloc"));
  foreign_aligned = reinterpret_cast<void* (*)(size_t, size_t)>(dlsym(library, "foreign_aligned"));
  CHECK(foreign_malloc != nullptr && foreign_aligned != nullptr);
  void* const forwards = deepbind ? library : nullptr;
  use_all(deepbind);
  know_mapped_chunks();
  pthread_t threads[4];
  for (pthread_t& thread : threads) CHECK(pthread_create(&thread, nullptr, in_thread, forwards) == 0);
  for (pthread_t thread : threads) CHECK(pthread_join(thread, nullptr) == 0);

  std::vector<void*> left;
  CHECK(pthread_create(&threads[0], nullptr, leave_behind, &left) == 0);
  CHECK(pthread_join(threads[0], nullptr) == 0);
  for (size_t i = 0; i < left.size(); ++i) {
    check(left[i], kSizes[i], 5);
    CHECK(malloc_usable_size(left[i]) >= kSizes[i]);
    free(left[i]);
  }
  if (deepbind) {  // really freed and not leaked: one libc, so forwarding is exact
    const long rss = rss_kib();
    for (size_t i = 0; i < 5000; ++i) free(make(50000, i));
    for (size_t i = 0; i < 20; ++i) free(make(40 << 20, i));
    CHECK(rss_kib() < rss + 8192);
  }
  return 0;
}
