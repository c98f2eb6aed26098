// Is a program with two places that allocate, for the tests of `ashlar profile`.
#include <cstdlib>

namespace {
void* volatile kept[40];
}

namespace store {

struct Table {
  [[gnu::noinline]] static void fill(int blocks);
};

// Keeps 1000 bytes of each block.
void Table::fill(int blocks) {
  for (int i = 0; i < blocks; ++i) kept[i] = std::malloc(1000);
  asm volatile("");
}

}  // namespace store

// Allocates blocks of 50 bytes and keeps half of them.
extern "C" [[gnu::noinline]] void keep_half(int blocks) {
  for (int i = 0; i < blocks; ++i) kept[10 + i] = std::malloc(50);
  for (int i = 0; i < blocks; i += 2) std::free(kept[10 + i]);
  asm volatile("");
}

int main() {
  store::Table::fill(10);
  keep_half(20);
  return 0;
}
