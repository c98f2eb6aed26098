// Random numbers for benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::bench {

// xorshift64, which takes a few cycles. The sequence is the same in every run.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u | 1) {}
  std::size_t below(std::size_t bound) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::size_t>((state_ >> 32) * bound >> 32);
  }

 private:
  std::uint64_t state_;
};

}  // namespace ashlar::bench
