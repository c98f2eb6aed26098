// heap: tests blocks of no bytes, each time in a stretch made anew.
#include "heap/zero.h"

#include <gtest/gtest.h>

#include <set>

#include "fresh.h"

namespace ashlar::heap {
namespace {

class ZeroTest : public testing::Test {
 protected:
  ZeroTest() {
    ashlar_test::make_fresh(zero_blocks);
    ashlar_test::make_fresh(zero_states);
  }
};

TEST_F(ZeroTest, NoneIsKnownBeforeTheFirst) {
  EXPECT_FALSE(is_zero_block(this));
  void* const p = allocate_zero();
  ASSERT_NE(p, nullptr);
  EXPECT_TRUE(is_zero_block(p));
  EXPECT_EQ(zero_state(p), ZeroState::kLive);
  EXPECT_EQ(zero_state(static_cast<char*>(p) + kMinAlign), ZeroState::kNever);
  EXPECT_EQ(zero_state(static_cast<char*>(p) + 1), ZeroState::kNever) << "no block starts there";
}

TEST_F(ZeroTest, OneIsFreedOnce) {
  void* const p = allocate_zero();
  EXPECT_EQ(release_zero(p), ZeroState::kLive);
  EXPECT_EQ(zero_state(p), ZeroState::kFreed);
  EXPECT_EQ(release_zero(p), ZeroState::kFreed);
}

TEST_F(ZeroTest, AddressesAreUsedAgainOnlyAfterAllOthers) {
  void* const first = allocate_zero();
  release_zero(first);
  for (std::size_t i = 1; i < ZeroBlocks::kFirstWindow; ++i) {
    void* const p = allocate_zero();
    ASSERT_NE(p, first) << "after " << i << " others";
    release_zero(p);
  }
  EXPECT_EQ(allocate_zero(), first);
}

TEST_F(ZeroTest, TheWindowGrowsWithBlocksThatStay) {
  std::set<void*> blocks;
  for (std::size_t i = 0; i <= ZeroBlocks::kFirstWindow; ++i) {
    void* const p = allocate_zero();
    ASSERT_TRUE(blocks.insert(p).second) << "it is live already";
  }
  EXPECT_EQ(zero_blocks.window, 2 * ZeroBlocks::kFirstWindow);
}

TEST_F(ZeroTest, ThereIsNoneOnceNearlyAllAreLive) {
  std::size_t live = 0;
  while (live <= ZeroBlocks::kMax && allocate_zero() != nullptr) ++live;
  EXPECT_LE(live, ZeroBlocks::kMax);
  EXPECT_GT(live, ZeroBlocks::kMax / 4 * 3) << "a free one is found among few looks";
}

}  // namespace
}  // namespace ashlar::heap
