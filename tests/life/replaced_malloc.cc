// Is a program with its own malloc, free, calloc and realloc, the minimum that glibc's manual requires. Functions that
// glibc, the standard and the C++ runtime define in terms of these must call them. Fails unless derived functions check
// whether the program has its own. Runs with LD_PRELOAD, and linked with the archive.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <new>
#include <string>
#include <vector>

#include "support/check.h"

namespace {
alignas(16) char pool[64 << 20];
size_t used;
long taken, given, foreign;

bool mine(const void* p) { return p >= pool && p < pool + sizeof pool; }
size_t& size_of(void* p) { return static_cast<size_t*>(p)[-2]; }
}  // namespace

extern "C" {
void* malloc(size_t n) noexcept {
  if (n > sizeof pool - used - 32) {
    errno = ENOMEM;
    return nullptr;
  }
  char* p = pool + used + 16;
  used += (n + 31) & ~size_t{15};
  size_of(p) = n;
  ++taken;
  return p;
}
void free(void* p) noexcept {
  if (p == nullptr) return;
  ++(mine(p) ? given : foreign);
}
void* calloc(size_t n, size_t size) noexcept {
  void* p = malloc(n * size);
  return p != nullptr ? memset(p, 0, n * size) : nullptr;
}
void* realloc(void* p, size_t n) noexcept {
  void* fresh = malloc(n);
  if (p == nullptr || fresh == nullptr) return fresh;
  if (!mine(p)) ++foreign;
  else memcpy(fresh, p, size_of(p) < n ? size_of(p) : n);
  free(p);
  return fresh;
}
}

namespace {
template <class F>
F* function(const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_DEFAULT, name));
}

void check_c_functions() {
  void* p = reallocarray(nullptr, 10, 40);
  CHECK(mine(p) && size_of(p) == 400);
  p = reallocarray(p, 20, 40);
  CHECK(mine(p) && size_of(p) == 800);
  errno = 0;
  CHECK(reallocarray(p, SIZE_MAX / 2, 4) == nullptr && errno == ENOMEM);
  free(p);
  // newer than this libc, or no longer linked with: called where they are there
  if (auto* free_sized = function<void(void*, size_t)>("free_sized")) free_sized(malloc(100), 100);
  if (auto* free_aligned = function<void(void*, size_t, size_t)>("free_aligned_sized"))
    free_aligned(malloc(100), 16, 100);
  if (auto* cfree = function<void(void*)>("cfree")) cfree(malloc(100));
  for (int i = 0; i < 100; ++i) free(strdup("text"));
}

void check_operators() {
  int* volatile one = new int(1);
  CHECK(mine(one));
  delete one;
  int* volatile many = new int[100];
  CHECK(mine(many));
  delete[] many;
  int* volatile maybe = new (std::nothrow) int[100];
  CHECK(mine(maybe));
  delete[] maybe;
  CHECK(::operator new (size_t{1} << 40, std::nothrow) == nullptr);
  try {
    ::operator delete(::operator new (size_t{1} << 40));
    CHECK(false);
  } catch (const std::bad_alloc&) {
  }
  std::vector<std::string> words(1000, std::string(100, 'x'));
  CHECK(mine(words.data()) && mine(words.back().data()));
  struct alignas(256) Wide {
    char bytes[256];
  };
  Wide* volatile wide = new Wide;  // aligned_alloc is not replaced: the library's to the end
  CHECK(reinterpret_cast<uintptr_t>(wide) % 256 == 0);
  delete wide;
}
}  // namespace

int main() {
  check_c_functions();
  const long foreign_before = foreign;
  check_operators();
  printf("%ld taken, %ld given, %ld foreign\n", taken, given, foreign);
  CHECK(foreign_before == 0 && foreign == 0);
  return 0;
}
