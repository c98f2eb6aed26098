// Defines what a failed assertion does in programs that link ashlar_base without a layer of the system.
#include <cstdio>
#include <cstdlib>

#include "base/assert.h"

void ashlar::die_of_assertion(const Assertion& failed) {
  std::fprintf(stderr, "%s:%u: assertion failed: %s (%s)\n", failed.file, failed.line, failed.sentence,
               failed.condition);
  std::abort();
}
