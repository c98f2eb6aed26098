// slab, private: what slob knows of its blocks of pages. The lists are in slob.cc; a reader from outside finds a block
// by the descriptor of its first page (`owner`).
#pragma once

#include <bit>

#include "page/page.h"

namespace ashlar::slob {

inline constexpr Order kBlockOrder{2};
inline constexpr std::size_t kBlockBytes = kBlockOrder.bytes();
inline constexpr unsigned kGranules = kBlockBytes / kMinAlign;

// A bit for each granule. Written under the lock; a thread with an object there reads it without (peek_bytes): its own
// bits stay as they are. release, acquire: who sees a bit sees those that were set before it, in other Bits too.
class Bits {
 public:
  [[nodiscard]] bool test(unsigned at) const { return (load(at / 64) >> (at % 64) & 1) != 0; }
  void set(unsigned from, unsigned count, bool value) {
    for (unsigned at = from, end = from + count; at < end;) {
      const unsigned here = end - at < 64 - at % 64 ? end - at : 64 - at % 64;
      const std::uint64_t mask = ~std::uint64_t{0} >> (64 - here) << at % 64;
      const std::uint64_t word = load(at / 64);
      __atomic_store_n(&words_[at / 64], value ? word | mask : word & ~mask, __ATOMIC_RELEASE);
      at += here;
    }
  }
  // The first bit in [from, end) that is `value`, or end.
  [[nodiscard]] unsigned find(unsigned from, unsigned end, bool value) const {
    while (from < end) {
      const std::uint64_t word = (value ? load(from / 64) : ~load(from / 64)) >> from % 64;
      if (word != 0) {
        from += static_cast<unsigned>(std::countr_zero(word));
        return from < end ? from : end;
      }
      from = (from / 64 + 1) * 64;
    }
    return end;
  }

 private:
  [[nodiscard]] std::uint64_t load(unsigned word) const { return __atomic_load_n(&words_[word], __ATOMIC_ACQUIRE); }

  std::uint64_t words_[kGranules / 64] = {};
};

// What is known of a block of pages; in metadata. One that is no longer needed waits in a list for the next.
struct Block {
  Block* next = nullptr;
  Block* prev = nullptr;
  std::uintptr_t base = 0;
  std::uint16_t free = kGranules;      // granules
  std::uint16_t max_free = kGranules;  // no more than this many lie side by side
  std::uint16_t objects = 0;
  std::uint8_t list = 0;
  Bits used, start;
};

}  // namespace ashlar::slob
