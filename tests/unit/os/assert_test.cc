// base and os: tests assertions. This program is compiled with assertions in every build.
#include <gtest/gtest.h>

#include <thread>

#include "base/base.h"
#include "os/lock.h"

namespace ashlar {
namespace {

static_assert(kDebug, "this program is compiled with the assertions on");

TEST(AssertDeathTest, AConditionThatHoldsIsSilentAndIsEvaluatedOnce) {
  int evaluated = 0;
  ASHLAR_ASSERT(++evaluated == 1, "it is the first time");
  EXPECT_EQ(evaluated, 1);
}

TEST(AssertDeathTest, OneThatDoesNotHoldDiesWithPlaceSentenceAndCondition) {
  const std::size_t free_pages = 3;
  EXPECT_DEATH(
      ASHLAR_ASSERT(free_pages % 2 == 0, "free pages come in pairs"),
      R"(ashlar: .*assert_test\.cc:[0-9]+: assertion failed: free pages come in pairs \(free_pages % 2 == 0\))");
}

struct Node {
  Node *next = nullptr, *prev = nullptr;
};

TEST(AssertDeathTest, ANodeThatIsOnNoListIsNotRemoved) {
  List<Node> list;
  Node on, off;
  list.push_front(&on);
  EXPECT_DEATH(list.remove(&off), "the node is on this list");
  list.remove(&on);
  EXPECT_DEATH(list.remove(&on), "the node is on this list");
}

TEST(AssertDeathTest, AListWhoseLinksWereOverwrittenIsNotedWhenANodeIsRemoved) {
  List<Node> list;
  Node first, second;
  list.push_back(&first);
  list.push_back(&second);
  second.prev = nullptr;
  EXPECT_DEATH(list.remove(&first), "what follows a node leads back to it");
}

TEST(AssertDeathTest, ALockKnowsItsHolder) {
  Lock<LockRank::kZone> lock;
  EXPECT_FALSE(lock.held());
  lock.lock();
  EXPECT_TRUE(lock.held());
  std::thread([&] { EXPECT_FALSE(lock.held()) << "another thread holds it"; }).join();
  lock.unlock();
  EXPECT_FALSE(lock.held());
  ASSERT_TRUE(lock.try_lock());
  EXPECT_TRUE(lock.held());
  lock.reset();
  EXPECT_FALSE(lock.held());
}

TEST(AssertDeathTest, ALockIsReleasedByItsHolderAlone) {
  Lock<LockRank::kZone> lock;
  EXPECT_DEATH(lock.unlock(), "a lock is released by the thread that took it");
}

}  // namespace
}  // namespace ashlar
