// Writes and compares the contents of blocks by memcpy and memcmp. A loop over bytes takes minutes under
// ThreadSanitizer.
#pragma once

#include <stddef.h>
#include <string.h>

#include <algorithm>

namespace ashlar_test {

// Returns the index of the first byte that is not `value`, or `size`.
inline size_t first_other(const unsigned char* p, size_t size, unsigned char value) {
  if (size == 0 || (p[0] == value && memcmp(p, p + 1, size - 1) == 0)) return size;
  size_t at = 0;
  while (at < size && p[at] == value) ++at;
  return at;
}

// Returns a pattern of 64 KiB without a shorter period, which differs for each seed below 16. For one thread.
constexpr size_t kPatternSize = 64 << 10;
inline const unsigned char* pattern_of(unsigned seed) {
  static unsigned char patterns[16][kPatternSize];
  static bool made[16];
  seed %= 16;
  if (!made[seed]) {
    for (size_t i = 0; i < kPatternSize; ++i) patterns[seed][i] = static_cast<unsigned char>(seed + i * 131 + (i >> 8));
    made[seed] = true;
  }
  return patterns[seed];
}

inline void fill_pattern(unsigned char* p, size_t size, unsigned seed) {
  const unsigned char* const pattern = pattern_of(seed);
  for (size_t at = 0; at < size; at += kPatternSize) memcpy(p + at, pattern, std::min(kPatternSize, size - at));
}

inline bool holds_pattern(const unsigned char* p, size_t size, unsigned seed) {
  const unsigned char* const pattern = pattern_of(seed);
  for (size_t at = 0; at < size; at += kPatternSize) {
    if (memcmp(p + at, pattern, std::min(kPatternSize, size - at)) != 0) return false;
  }
  return true;
}

}  // namespace ashlar_test
