// profile: compares the arithmetic of sampling with libm's.
#include "profile/chance.h"

#include <gtest/gtest.h>

#include <cmath>

namespace ashlar::profile {
namespace {

TEST(Chance, EqualsLibmsFromBytesToGibibytes) {
  for (double x = 1e-9; x < 100; x *= 1.37) {
    const double want = -std::expm1(-x);
    EXPECT_NEAR(chance_within(x) / want, 1, 1e-7) << "x = " << x;
  }
}

TEST(Chance, LogarithmEqualsLibms) {
  for (double x = 1e-16; x < 1; x *= 1.19) EXPECT_NEAR(logarithm(x), std::log(x), 1e-7 * (1 - std::log(x))) << x;
}

TEST(Chance, ABlockOfManyRatesStandsForItselfAlone) {
  EXPECT_EQ(weight_of(std::uint64_t{1} << 30, 512 << 10), 1);
  EXPECT_EQ(weight_of(8, 1), 1);
  EXPECT_NEAR(weight_of(16, 512 << 10), 32768.5, 0.1);
}

TEST(Chance, DistancesAreExponential) {
  constexpr std::uint64_t kRate = 4096;
  constexpr unsigned kDraws = 200000;
  std::uint64_t random = 1;
  double sum = 0, beyond = 0;
  for (unsigned i = 0; i < kDraws; ++i) {
    const auto bytes = static_cast<double>(distance(next_random(random), kRate));
    EXPECT_GE(bytes, 1);
    sum += bytes;
    beyond += bytes > 2.0 * kRate;
  }
  EXPECT_NEAR(sum / kDraws, kRate, 0.02 * kRate);
  EXPECT_NEAR(beyond / kDraws, std::exp(-2), 0.005);
}

TEST(Chance, DistancesOfAnyRateArePositive) {
  std::uint64_t random = 1;
  for (unsigned i = 0; i < 1000; ++i) EXPECT_GE(distance(next_random(random), UINT64_MAX), INT64_MAX >> 10);
}

}  // namespace
}  // namespace ashlar::profile
