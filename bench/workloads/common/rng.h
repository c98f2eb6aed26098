// Deterministic random numbers for the workloads. The same seed gives the same calls on every allocator, so runs differ
// only in the allocator. Not thread-safe; each thread owns one.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace ashlar::workload {

class Rng {
 public:
  explicit Rng(std::uint64_t seed) : s0_(splitmix(seed)), s1_(splitmix(seed)) {}

  // xorshift128+ takes a few instructions, so that the generator's time is small beside the allocator's.
  std::uint64_t next() {
    std::uint64_t x = s0_;
    const std::uint64_t y = s1_;
    s0_ = y;
    x ^= x << 23;
    s1_ = x ^ y ^ (x >> 17) ^ (y >> 26);
    return s1_ + y;
  }

  // Returns a number that is uniform in [0, bound), by a multiplication and a shift instead of a division.
  std::size_t below(std::size_t bound) {
    return static_cast<std::size_t>(((next() >> 32) * static_cast<std::uint64_t>(bound)) >> 32);
  }

  // Returns a number that is uniform in [low, high].
  std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }

  bool one_in(std::size_t n) { return below(n) == 0; }

  // All powers of two between low and high are equally likely, and numbers are uniform between two of them. Small sizes
  // therefore dominate by count and large ones by bytes, as in most programs. Both ends are powers of two.
  std::size_t skewed(std::size_t low, std::size_t high) {
    const std::size_t octaves = static_cast<std::size_t>(std::countr_zero(high) - std::countr_zero(low));
    const std::size_t base = low << below(octaves);
    return base + below(base) + 1;
  }

 private:
  static std::uint64_t splitmix(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  std::uint64_t s0_;
  std::uint64_t s1_;
};

}  // namespace ashlar::workload
