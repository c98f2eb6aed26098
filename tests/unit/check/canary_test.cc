// check: tests the canaries around blocks.
#include "check/canary.h"

#include <gtest/gtest.h>

#include <set>

namespace ashlar::check {
namespace {

constexpr std::uintptr_t kAddress = 0x200000001000;

class CanaryTest : public testing::Test {
 protected:
  CanaryTest() {
    settings.key = os::process_key();
    settings.multiplier = derive(Use::kMultiplier) | 1;
  }
};

TEST_F(CanaryTest, NoByteIsZeroOrText) {
  for (unsigned i = 0; i < 1000; ++i) {
    const std::uint64_t word = canary_before(kAddress + 16 * i, derive_for(kAddress));
    for (unsigned at = 0; at < 64; at += 8) EXPECT_GE(word >> at & 0xff, 0x80u);
  }
}

TEST_F(CanaryTest, DiffersFromSlotToSlotAndFromSpanToSpan) {
  std::set<std::uint64_t> words;
  for (unsigned i = 0; i < 100; ++i) {
    words.insert(canary_before(kAddress + 16 * i, derive_for(kAddress)));
    words.insert(canary_before(kAddress, derive_for(kAddress + kPageBytes * (i + 1))));
  }
  EXPECT_EQ(words.size(), 200u);
}

// With one multiplication by a constant the words of three slots tell the fourth one's: w(a) - w(b) = c * (a - b).
TEST_F(CanaryTest, IsNoLinearFunctionOfTheAddress) {
  const std::uint64_t key = derive_for(kAddress);
  std::set<std::uint64_t> steps;
  for (unsigned i = 0; i < 64; ++i) {
    steps.insert(canary_before(kAddress + 16 * (i + 1), key) - canary_before(kAddress + 16 * i, key));
  }
  EXPECT_GT(steps.size(), 32u);
}

TEST_F(CanaryTest, KeysOfUsesAreApart) {
  std::set<std::uint64_t> keys;
  for (const Use use : {Use::kMultiplier, Use::kFailures, Use::kShards, Use::kPlaces}) keys.insert(derive(use));
  keys.insert(settings.key.low);
  keys.insert(settings.key.high);
  EXPECT_EQ(keys.size(), 6u);
}

}  // namespace
}  // namespace ashlar::check
