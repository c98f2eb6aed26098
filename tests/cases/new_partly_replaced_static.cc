// Shows: a program that replaces some of the operators links with libashlar.a, whose archive member has all of them.
// Right: it links, and the forms that it leaves out work.
#include <new>

#include "case.h"

void* operator new(size_t size) {
  void* block = malloc(size);
  if (!block) throw std::bad_alloc();
  return block;
}
void operator delete(void* block) noexcept { free(block); }
void operator delete(void* block, size_t) noexcept { free(block); }

namespace {
struct alignas(64) Aligned {
  int x[16];
};
}  // namespace

int main() {
  auto* aligned = new Aligned;
  auto* numbers = new (std::nothrow) int[10];
  CHECK(reinterpret_cast<size_t>(aligned) % 64 == 0 && numbers);
  delete aligned;
  delete[] numbers;
}
