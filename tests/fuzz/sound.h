// Checks for fuzz targets of layers, which call the layer's validate() after each step.
#pragma once

#include "base/broken.h"
#include "fuzz/input.h"

namespace ashlar_test {

// Prints the broken rule.
inline void expect_sound(const ashlar::Broken& found, const char* file, int line) {
  if (found) expect(false, file, line, found.rule);
}

}  // namespace ashlar_test

#define FUZZ_EXPECT_SOUND(found) ::ashlar_test::expect_sound(found, __FILE__, __LINE__)
