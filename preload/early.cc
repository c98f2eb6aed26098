// preload: calls before thread-local storage has its initial values. The dynamic linker copies those in only after it
// has relocated everything, and relocating may run code of the program (an IFUNC resolver) that calls malloc. This
// library is relocated before any that was linked against it, so its own resolver runs first. The resolver gives the
// only thread the heap pointer that the copy will set again.
#include "base/hints.h"
#include "heap/named_bins.h"

extern "C" {

[[ASHLAR_ALWAYS_RUN]] static void nothing() {}

// Hidden rather than static, because Clang does not count its name in the attribute below as a use.
[[ASHLAR_ALWAYS_RUN]] void (*ashlar_resolve_nothing())() {
  using namespace ashlar::heap;
  if (current == nullptr) {
    current = current_of_derived = const_cast<Heap*>(&nobody);
    named_bins = &no_bins;
  }
  return nothing;
}

void ashlar_early() __attribute__((ifunc("ashlar_resolve_nothing"), visibility("hidden")));

}  // extern "C"

// A reference that makes the linker write the relocation, which runs the resolver.
[[gnu::used, gnu::retain]] static void (*const keep_relocation)() = ashlar_early;
