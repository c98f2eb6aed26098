// Contents of a block that depend on its size and a seed, so that an overlap, a lost write or a stale copy is detected.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace ashlar_test {

struct Block {
  unsigned char* p = nullptr;
  size_t size = 0;
  uint64_t seed = 0;
};

namespace payload_detail {
inline uint64_t word_at(uint64_t seed, size_t index) { return (seed + index) * 0x9E3779B97F4A7C15ull; }
// Uses every word of the first and last 4 KiB, and each 32nd word between, so that large blocks do not take all the
// time.
inline size_t next_word(size_t index, size_t words) {
  return index < 512 || index + 512 >= words ? index + 1 : index + 32;
}
}  // namespace payload_detail

inline void fill_payload(const Block& block) {
  const size_t words = block.size / 8;
  for (size_t i = 0; i < words; i = payload_detail::next_word(i, words)) {
    const uint64_t word = payload_detail::word_at(block.seed, i);
    memcpy(block.p + i * 8, &word, 8);
  }
  for (size_t at = words * 8; at < block.size; ++at) block.p[at] = static_cast<unsigned char>(block.seed + at);
}

// Checks the first `size` bytes of a block that was filled when it had block.size bytes. Returns block.size if all are
// right, or else the offset of the first wrong byte or word.
inline size_t check_payload(const Block& block, size_t size) {
  const size_t words = block.size / 8;
  const size_t checked = size / 8 < words ? size / 8 : words;
  for (size_t i = 0; i < checked; i = payload_detail::next_word(i, words)) {
    const uint64_t word = payload_detail::word_at(block.seed, i);
    if (memcmp(block.p + i * 8, &word, 8) != 0) return i * 8;
  }
  for (size_t at = words * 8; at < block.size && at < size; ++at) {
    if (block.p[at] != static_cast<unsigned char>(block.seed + at)) return at;
  }
  return block.size;
}

inline bool payload_intact(const Block& block) { return check_payload(block, block.size) == block.size; }

// Returns whether all bytes are zero.
inline bool all_zero(const unsigned char* p, size_t size) {
  return size == 0 || (p[0] == 0 && memcmp(p, p + 1, size - 1) == 0);
}

}  // namespace ashlar_test
