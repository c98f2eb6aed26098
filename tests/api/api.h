// The allocator under test as a table of functions, so that one set of tests covers the malloc symbols (preloaded or
// linked statically) and the ashlar_ functions. The pointers are volatile, so the compiler does not know the functions
// and cannot merge, fold or drop a call.
#pragma once

#include <malloc.h>
#include <stddef.h>
#include <stdio.h>

namespace ashlar_test {

struct Api {
  const char* name;
  void* (*volatile malloc)(size_t);
  void (*volatile free)(void*);
  void* (*volatile calloc)(size_t, size_t);
  void* (*volatile realloc)(void*, size_t);
  void* (*volatile reallocarray)(void*, size_t, size_t);
  void* (*volatile aligned_alloc)(size_t, size_t);
  void* (*volatile memalign)(size_t, size_t);
  int (*volatile posix_memalign)(void**, size_t, size_t);
  void* (*volatile valloc)(size_t);
  void* (*volatile pvalloc)(size_t);
  size_t (*volatile malloc_usable_size)(void*);
  int (*volatile mallopt)(int, int);
  struct mallinfo (*volatile mallinfo)();
  struct mallinfo2 (*volatile mallinfo2)();
  int (*volatile malloc_info)(int, FILE*);
  void (*volatile malloc_stats)();
  int (*volatile malloc_trim)(size_t);
  // Missing in some libcs, and null there.
  void (*volatile cfree)(void*);
  void (*volatile free_sized)(void*, size_t);
  void (*volatile free_aligned_sized)(void*, size_t, size_t);
};

extern const Api api;

// Returns the bytes that the program holds by the allocator's own account, in small and large blocks (mallinfo2(3)).
inline size_t bytes_in_use() {
  const struct mallinfo2 info = api.mallinfo2();
  return info.uordblks + info.hblkhd;
}

}  // namespace ashlar_test
