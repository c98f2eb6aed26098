// Shows: a program replaces operator new(size_t) and operator delete(void*) only, and its blocks carry a header, so
// that no other heap can free them. The standard lets all other forms lead to these two. A preloaded allocator that
// defines each form itself breaks the pairs.
// Right: every form ends in the program's two functions. The argument is the pair to try.
// Reports: https://github.com/microsoft/mimalloc/issues/26,
// https://github.com/castano/nvidia-texture-tools/issues/138
#include <new>
#include <string>
#include <vector>

#include "case.h"

namespace {

constexpr size_t kHeader = 16, kMark = 0x5afe5afe;
constexpr int kRounds = 1000;
long news, deletes;

struct Base {
  virtual ~Base() = default;
  int x[5];
};
struct Derived : Base {
  int y[50];
};

// keep: the compiler may leave out a new and its delete otherwise.
template <class T>
T* kept(T* object) {
  keep(object);
  return object;
}

void use(int pair) {
  if (pair == 0) delete static_cast<Base*>(kept(new Derived));  // a sized delete
  if (pair == 1) delete kept(new (std::nothrow) int(3));
  if (pair == 2) delete[] kept(new int[20]);
  if (pair == 3) std::vector<std::string>(3, std::string(50, 'x'));  // instantiated in libstdc++ and here
  if (pair == 4) operator delete (operator new(100), size_t{100});
  if (pair == 5) operator delete(operator new(100, std::nothrow));
  if (pair == 6) delete[] kept(new Derived[3]);
}

}  // namespace

void* operator new(size_t size) {
  char* start = static_cast<char*>(malloc(size + kHeader));
  if (!start) throw std::bad_alloc();
  memcpy(start, &kMark, sizeof kMark);
  ++news;
  return start + kHeader;
}

void operator delete(void* block) noexcept {
  if (!block) return;
  char* start = static_cast<char*>(block) - kHeader;
  CHECK(memcmp(start, &kMark, sizeof kMark) == 0);
  memset(start, 0, kHeader);
  ++deletes;
  free(start);
}

int main(int argc, char** argv) {
  const int pair = argc > 1 ? atoi(argv[1]) : 0;
  for (int i = 0; i < kRounds; ++i) use(pair);
  printf("new %ld, delete %ld\n", news, deletes);
  return news >= kRounds && news == deletes ? 0 : 1;
}
