// Tests calls before any constructor, and frees after the allocator's own end. The early calls come from the program's
// ifunc resolver (during relocation, before the loader has copied the initial image of thread-local variables), from an
// early constructor of a library, and from .preinit_array. The late frees come from atexit handlers and destructors
// that run after the allocator's own. Fails unless all state works without a constructor, and the heap pointer is right
// while its TLS image is still zero.
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

extern "C" void* early_block(size_t);
extern "C" const char* early_text();

namespace {
void* from_resolver;
void* from_preinit;
void* kept_for_exit;

int answer() { return 42; }

void preinit(int, char**, char**) {
  from_preinit = malloc(3000);
  if (from_preinit != nullptr) memset(from_preinit, 5, 3000);
}
[[gnu::section(".preinit_array"), gnu::used]] void (*preinit_entry)(int, char**, char**) = preinit;

void at_exit() {
  free(kept_for_exit);
  void* p = calloc(10, 1000);
  CHECK(p != nullptr);
  free(p);
}
struct Static {
  void* p = malloc(777);
  ~Static() {
    free(p);
    free(malloc(1 << 20));
  }
} static_object;
}  // namespace

extern "C" {
// Without stack protector: its canary is not set up this early. Used: link-time optimisation does not see the name in
// the attribute.
[[gnu::no_stack_protector, gnu::used]] int (*resolve_early())() {
  char* p = static_cast<char*>(malloc(200));
  for (int i = 0; p != nullptr && i < 200; ++i) p[i] = 9;
  from_resolver = p;
  return answer;
}
int early_function() __attribute__((ifunc("resolve_early")));
}

int main() {
  CHECK(early_function() == 42);
  CHECK(from_resolver != nullptr && static_cast<char*>(from_resolver)[199] == 9);
  CHECK(from_preinit != nullptr && static_cast<char*>(from_preinit)[2999] == 5);
  CHECK(strcmp(early_text(), "before any constructor") == 0);
  for (size_t i = 1; i < 64; i += 2) CHECK(static_cast<unsigned char*>(early_block(i))[i * i * 16] == i);
  // None of them may be handed out a second time.
  for (int i = 0; i < 5000; ++i) {
    void* p = malloc(static_cast<size_t>(i));
    CHECK(p != from_resolver && p != from_preinit);
    for (size_t e = 1; e < 64; e += 2) CHECK(p != early_block(e));
    if (i % 2 == 0) free(p);
  }
  free(from_resolver);
  free(from_preinit);
  kept_for_exit = malloc(50);
  CHECK(atexit(at_exit) == 0);
  return 0;
}
