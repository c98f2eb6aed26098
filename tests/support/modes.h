// Says in which mode of checking a test runs.
#pragma once

#include <stdlib.h>
#include <string.h>

namespace ashlar_test {

// Returns whether the options of this process check all or some blocks, which changes where blocks lie and how they are
// served.
inline bool blocks_are_checked() {
  const char* const options = getenv("ASHLAR_OPTIONS");
  if (options == nullptr) return false;
  for (const char* name : {"harden", "slab_debug", "guard_sample"}) {
    if (strstr(options, name) != nullptr) return true;
  }
  return false;
}

}  // namespace ashlar_test
