// preload: calls before thread-local storage has its initial values. The dynamic linker copies them in only after it
// has relocated everything, and relocating may run code of the program's (an IFUNC resolver) that calls malloc. This
// library is relocated before whatever was linked against it, and its own resolver runs then: it gives the one thread
// that exists the heap pointer that the copy will give it again.
#include "heap/named_bins.h"

extern "C" {

static void nothing() {}

// Hidden rather than static: Clang does not count its name in the attribute below as a use.
void (*ashlar_resolve_nothing())() {
  using namespace ashlar::heap;
  if (current == nullptr) {
    current = current_of_derived = const_cast<Heap*>(&nobody);
    named_bins = &no_bins;
  }
  return nothing;
}

void ashlar_early() __attribute__((ifunc("ashlar_resolve_nothing"), visibility("hidden")));

}  // extern "C"

// A reference, for the sake of the relocation that runs the resolver.
[[gnu::used, gnu::retain]] static void (*const keep_relocation)() = ashlar_early;
