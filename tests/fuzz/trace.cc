// Makes random calls on the process's malloc and writes their results, which trace_compare.py compares between glibc
// and the preloaded library. Usage: trace SEED CALLS. It is a program of its own, so that ld.so, libc and stdio take
// part, and the exported symbols are tested.
#include <stdlib.h>

#include <vector>

#include "fuzz/differential.h"
#include "support/check.h"

int main(int argc, char** argv) {
  using namespace ashlar_test;
  CHECK(argc == 3);
  Random random(strtoul(argv[1], nullptr, 10));
  std::vector<uint8_t> bytes(strtoul(argv[2], nullptr, 10) * 8);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next() >> 24);
  Input input(bytes.data(), bytes.size());
  Executor executor(api);
  while (!input.empty()) {
    const Operation operation = Operation::read(input);
    const Outcome outcome = executor.run(operation);
    printf("slot %zu %#zx %#zx %s\n", operation.slot, operation.a, operation.b, outcome.text().c_str());
  }
  return 0;
}
