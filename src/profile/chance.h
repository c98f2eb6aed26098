// profile, private: the arithmetic of sampling by bytes. Each allocated byte is picked with the chance 1/rate. So the
// distance from one picked byte to the next is exponential, and a block of n bytes is sampled with the chance 1 -
// exp(-n/rate). A sampled block stands for the inverse of that number of blocks. libm is not linked in; the series here
// are exact to 1e-7.
#pragma once

#include <bit>
#include <cstdint>

namespace ashlar::profile {

// Returns 1 - exp(-x) for x >= 0: by a Taylor series near 0, and above it by 1 - exp(-2y) = e (2 - e) with e = 1 -
// exp(-y).
constexpr double chance_within(double x) {
  if (x >= 40) return 1;
  unsigned doublings = 0;
  while (x > 1.0 / 16) {
    x /= 2;
    ++doublings;
  }
  double e = x * (1 - x / 2 * (1 - x / 3 * (1 - x / 4 * (1 - x / 5))));
  for (; doublings > 0; --doublings) e *= 2 - e;
  return e;
}

// Returns the number of blocks of `bytes` that a sampled one stands for.
constexpr double weight_of(std::uint64_t bytes, std::uint64_t rate) {
  if (rate <= 1) return 1;
  return 1 / chance_within(static_cast<double>(bytes) / static_cast<double>(rate));
}

// Returns ln(x) for x > 0, from the exponent and, for the mantissa m in [1, 2), the series of 2 artanh((m - 1) / (m +
// 1)).
constexpr double logarithm(double x) {
  constexpr double kLn2 = 0.693147180559945309;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const auto exponent = static_cast<std::int64_t>(bits >> 52) - 1023;
  const auto m = std::bit_cast<double>((bits & ((std::uint64_t{1} << 52) - 1)) | std::uint64_t{1023} << 52);
  const double t = (m - 1) / (m + 1);
  double sum = 0;
  double power = t;
  for (unsigned n = 1; n <= 15; n += 2, power *= t * t) sum += power / n;
  return static_cast<double>(exponent) * kLn2 + 2 * sum;
}

// Makes a distance of at least 1 byte from a random number, exponential with the mean `rate`. It is at most 2^62, which
// no program allocates.
constexpr std::int64_t distance(std::uint64_t random, std::uint64_t rate) {
  const double uniform = (static_cast<double>(random >> 11) + 0.5) / static_cast<double>(std::uint64_t{1} << 53);
  const double bytes = -logarithm(uniform) * static_cast<double>(rate);
  constexpr std::int64_t kMax = std::int64_t{1} << 62;
  if (bytes >= static_cast<double>(kMax)) return kMax;
  return bytes < 1 ? 1 : static_cast<std::int64_t>(bytes);
}

// Returns the next number of a random sequence (splitmix64). `row` may have any value at first.
constexpr std::uint64_t next_random(std::uint64_t& row) {
  std::uint64_t z = row += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

}  // namespace ashlar::profile
