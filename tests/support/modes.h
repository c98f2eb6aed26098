// In which way of checking a test runs.
#pragma once

#include <stdlib.h>
#include <string.h>

namespace ashlar_test {

// Whether the options of this process have blocks checked, all or some: these lie and serve otherwise than by default.
inline bool blocks_are_checked() {
  const char* const options = getenv("ASHLAR_OPTIONS");
  if (options == nullptr) return false;
  for (const char* name : {"harden", "slab_debug", "guard_sample"}) {
    if (strstr(options, name) != nullptr) return true;
  }
  return false;
}

}  // namespace ashlar_test
