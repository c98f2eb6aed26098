// Is a library that the test early_calls links. Its constructor runs before any constructor of the preloaded allocator,
// since the loader initialises in the reverse order of loading. Its destructor is among the last ones.
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

namespace {
void* blocks[64];
char* copy;

[[gnu::constructor(101)]] void early() {
  for (size_t i = 0; i < 64; ++i) {
    blocks[i] = malloc(i * i * 16 + 1);
    CHECK(blocks[i] != nullptr);
    memset(blocks[i], static_cast<int>(i), i * i * 16 + 1);
  }
  copy = strdup("before any constructor");
  for (size_t i = 0; i < 64; i += 2) free(blocks[i]);
}

[[gnu::destructor(101)]] void late() {
  for (size_t i = 1; i < 64; i += 2) free(blocks[i]);
  void* p = malloc(100000);
  CHECK(p != nullptr);
  free(p);
}
}  // namespace

extern "C" void* early_block(size_t i) { return blocks[i]; }
extern "C" const char* early_text() { return copy; }
