// os: tests the order of locks, which debug builds check.
#include <gtest/gtest.h>

#include <string>

#include <thread>

#include "os/os.h"

namespace ashlar {
namespace {

static_assert(kDebug, "this program is compiled with the checks on");

class LockOrderDeathTest : public testing::Test {
 protected:
  Lock<LockRank::kHeaps> heaps_;
  Lock<LockRank::kCache> cache_, other_cache_;
  Lock<LockRank::kZone> zone_;
  Lock<LockRank::kMetadata> metadata_;
};

TEST_F(LockOrderDeathTest, RisingRanksAreFine) {
  for (int i = 0; i < 3; ++i) {
    const Guard a(heaps_);
    const Guard b(cache_);
    const Guard c(zone_);
    const Guard d(metadata_);
  }
}

std::string breach(LockRank wanted, LockRank held) {
  return "ashlar: lock order: a lock of rank " + std::to_string(static_cast<unsigned>(wanted)) +
         " is wanted while one of rank " + std::to_string(static_cast<unsigned>(held)) + " is held";
}

TEST_F(LockOrderDeathTest, ALowerRankBehindAHigherOneDies) {
  zone_.lock();
  EXPECT_DEATH(cache_.lock(), breach(LockRank::kCache, LockRank::kZone));
  EXPECT_DEATH(heaps_.lock(), breach(LockRank::kHeaps, LockRank::kZone));
  metadata_.lock();
  metadata_.unlock();
  zone_.unlock();
}

// A signal handler tries the lock of what it looks at, whatever it interrupted.
TEST_F(LockOrderDeathTest, WhoDoesNotWaitBreaksNoOrder) {
  const Guard held(zone_);
  ASSERT_TRUE(cache_.try_lock());
  EXPECT_DEATH(heaps_.lock(), breach(LockRank::kHeaps, LockRank::kCache));
  cache_.unlock();
}

TEST_F(LockOrderDeathTest, TwoOfOneRankDie) {
  cache_.lock();
  EXPECT_DEATH(other_cache_.lock(), breach(LockRank::kCache, LockRank::kCache));
  cache_.unlock();
}

TEST_F(LockOrderDeathTest, ForkMayHoldAllOfARankButNoLowerOneBehindThem) {
  cache_.lock_beside_same_rank();
  other_cache_.lock_beside_same_rank();
  EXPECT_DEATH(heaps_.lock_beside_same_rank(), "lock order");
  other_cache_.unlock();
  EXPECT_DEATH(heaps_.lock(), "lock order") << "one is held still";
  cache_.unlock();
  const Guard guard(heaps_);
}

TEST_F(LockOrderDeathTest, WhatIsReleasedOrResetIsForgotten) {
  zone_.lock();
  zone_.unlock();
  const Guard guard(cache_);
  zone_.lock();
  zone_.reset();
  metadata_.lock();
  metadata_.unlock();
}

TEST_F(LockOrderDeathTest, EachThreadHasItsOwnOrder) {
  const Guard guard(zone_);
  std::thread([this] { const Guard other(cache_); }).join();
}

}  // namespace
}  // namespace ashlar
