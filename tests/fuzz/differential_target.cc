// Fuzz target: makes the same calls on the ashlar_ functions and on glibc's malloc, in one process; see differential.h.
#include <stdlib.h>
#include <string.h>

#include "fuzz/differential.h"

namespace ashlar_test {

const Api libc_api = {
    "glibc",          &::malloc,   &::free,           &::calloc,      &::realloc,      &::reallocarray,
    &::aligned_alloc, &::memalign, &::posix_memalign, &::valloc,      &::pvalloc,      &::malloc_usable_size,
    &::mallopt,       nullptr,     &::mallinfo2,      &::malloc_info, &::malloc_stats, &::malloc_trim,
    nullptr,          nullptr,     nullptr,
};

}  // namespace ashlar_test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ashlar_test;
  Input input(data, size);
  Executor ours(api), theirs(libc_api);
  for (unsigned step = 0; !input.empty(); ++step) {
    const Operation operation = Operation::read(input);
    const Outcome here = ours.run(operation), there = theirs.run(operation);
    if (here == there) continue;
    fprintf(stderr, "operation %u, slot %zu, arguments %#zx and %#zx:\n  ashlar %s\n  glibc  %s\n", step,
            operation.slot, operation.a, operation.b, here.text().c_str(), there.text().c_str());
    abort();
  }
  return 0;
}
