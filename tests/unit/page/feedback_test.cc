// page: tests what a zone learns from traces. A program's frees and takes are given to the rule, and the test does what
// the rule says.
#include "page/feedback.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/base.h"

namespace ashlar::page {
namespace {

constexpr std::size_t kMin = 768;  // 3 MiB, the default
constexpr std::size_t kStep = 1024;

// A heap whose free pages are purged as far as the rule says; each purged page that is taken again is a fault.
class FeedbackTest : public testing::Test {
 protected:
  FeedbackTest() { options = Options{}; }

  void pass(std::uint64_t ms) {
    now_ms_ += ms;
    if (!helped_) return;
    rule_.note_time(now_ms_);
    rule_.note_freed(use_, true);
    if (now_ms_ - freed_ms_ >= rule_.old_after().raw) purge(use_.dirty.raw, true);
  }

  void take(std::size_t pages) {
    const std::size_t dirty = std::min(pages, use_.dirty.raw);
    use_.dirty -= PageCount(dirty);
    use_.live += PageCount(pages);
    faults_ += pages - dirty;
    rule_.note_time(now_ms_);
    rule_.note_taken(use_, PageCount(pages - dirty));
  }

  void free(std::size_t pages) {
    use_.live -= PageCount(pages);
    use_.dirty += PageCount(pages);
    freed_ms_ = now_ms_;
    rule_.note_time(now_ms_);
    rule_.note_freed(use_, helped_);
    const PageCount high = rule_.may_stay(use_.live, helped_);
    if (use_.dirty <= high) return;
    const PageCount excess = use_.dirty - (high - high / 4);
    purge(std::min(excess.raw, kStep), false);
  }

  void purge(std::size_t pages, bool aged) {
    use_.dirty -= PageCount(pages);
    rule_.note_purged(PageCount(pages), aged);
  }

  // `rounds` times: takes so many pages, frees them all, and waits.
  void go_up_and_down(std::size_t pages, unsigned rounds, std::uint64_t ms_up, std::uint64_t ms_down) {
    for (unsigned i = 0; i < rounds; ++i) {
      take(pages);
      pass(ms_up);
      free(pages);
      pass(ms_down);
    }
  }

  Feedback rule_;
  Use use_;
  std::size_t faults_ = 0;
  std::uint64_t now_ms_ = 1000000, freed_ms_ = 0;
  bool helped_ = false;
};

TEST_F(FeedbackTest, AHeapThatNeverRefaultedKeepsTheMarginsOnly) {
  take(10000);
  for (int i = 0; i < 40; ++i) free(250);
  EXPECT_LE(use_.dirty.raw, 2 * kMin) << "a height of at most 2 MiB is never left";
  EXPECT_EQ(rule_.hold().raw, 0u);
}

TEST_F(FeedbackTest, BelowHalfOfTheHeightNothingGoes) {
  take(10000);
  free(4900);
  EXPECT_EQ(use_.dirty.raw, 4900u) << "it may go up again, and its peak was that high";
}

TEST_F(FeedbackTest, ABufferMadeAndFreedAgainAndAgainPaysForFewRounds) {
  for (const std::size_t pages : {1000u, 1536u, 4096u, 8000u}) {
    SCOPED_TRACE(pages);
    rule_ = Feedback();
    use_ = {};
    faults_ = 0;
    go_up_and_down(pages, 1000, 1, 0);
    EXPECT_LE(faults_, 3 * pages);
  }
}

TEST_F(FeedbackTest, SoDoesOneThatComesMoreSlowly) {
  go_up_and_down(4096, 100, 100, 300);
  EXPECT_LE(faults_, 4 * 4096u);
}

TEST_F(FeedbackTest, TheHoldFallsBackWhenNothingUsesIt) {
  go_up_and_down(8000, 100, 10, 10);
  ASSERT_GT(rule_.hold().raw, 1000u);
  // the program goes on with little
  for (int i = 0; i < 200; ++i) {
    take(100);
    now_ms_ += 100;
    free(100);
  }
  EXPECT_EQ(rule_.hold().raw, 0u);
  EXPECT_LE(use_.dirty.raw, kMin + 100) << "what is above the margins has gone, a step at a free";
}

TEST_F(FeedbackTest, AHoldIsAtMostTheHeight) {
  for (int i = 0; i < 50; ++i) {
    go_up_and_down(2000, 3, 10, 10);
    go_up_and_down(6000, 3, 10, 10);
    EXPECT_LE(rule_.hold().raw, 6000u);
  }
}

// A block that grows leaves a shorter mapping for a longer one, and wants both again in the next round.
TEST_F(FeedbackTest, MappingsAreHeldBeyondTheHeightByAQuarter) {
  constexpr std::size_t kLengths[] = {240, 1000};
  Feedback rule(Feedback::Margins::kNone);
  bool kept[2] = {};
  std::size_t faults = 0, first_half = 0;
  for (int round = 0; round < 20; ++round) {
    if (round == 10) first_half = faults;
    for (int i = 0; i < 2; ++i) {
      const std::size_t length = kLengths[i], other = kept[1 - i] ? kLengths[1 - i] : 0;
      rule.note_taken({PageCount(length), PageCount(other)}, PageCount(kept[i] ? 0 : length));
      if (!kept[i]) faults += length;
      rule.note_freed({{}, PageCount(other + length)}, false);
      const std::size_t max = rule.may_stay({}, false).raw;
      kept[i] = length <= max;
      if (!kept[i]) rule.note_purged(PageCount(length), false);
      if (!kept[i] || !kept[1 - i] || other + length <= max) continue;
      kept[1 - i] = false;
      rule.note_purged(PageCount(other), false);
    }
  }
  EXPECT_EQ(faults, first_half) << "of the first ten rounds";
}

TEST_F(FeedbackTest, WithAHelperNothingGoesBelowTheHeightOfTheLastDecayTimes) {
  helped_ = true;
  go_up_and_down(8000, 100, 50, 50);
  EXPECT_EQ(faults_, 8000u);
}

TEST_F(FeedbackTest, WithAHelperAProgramThatFallsSilentIsEmptyAfterTheDecayTime) {
  helped_ = true;
  go_up_and_down(8000, 10, 50, 50);
  pass(options.decay_ms);
  EXPECT_EQ(use_.dirty.raw, 0u);
}

TEST_F(FeedbackTest, PagesThatAgedAndWereWantedAtOnceMayBeOlderNextTime) {
  helped_ = true;
  go_up_and_down(8000, 40, 100, options.decay_ms + options.decay_ms / 4);
  EXPECT_GT(rule_.old_after().raw, options.decay_ms);
  EXPECT_LE(faults_, 12 * 8000u) << "of 40";
  pass(2 * options.decay_ms);
  EXPECT_EQ(use_.dirty.raw, 0u);
  for (int i = 0; i < 300; ++i) pass(options.decay_ms);
  EXPECT_EQ(rule_.old_after().raw, options.decay_ms) << "and it is forgotten";
}

TEST_F(FeedbackTest, PagesWantedLongAfterTheyWerePurgedAreNoRefaults) {
  go_up_and_down(4000, 10, 10, 5 * options.decay_ms);
  EXPECT_EQ(rule_.hold().raw, 0u);
  EXPECT_EQ(rule_.refaults(), 0u);
}

TEST_F(FeedbackTest, AClockThatWentBackDoesNotStopTheWindows) {
  go_up_and_down(8000, 100, 10, 10);
  ASSERT_GT(rule_.hold().raw, 1000u);
  now_ms_ -= 500000;
  go_up_and_down(100, 200, 100, 0);
  EXPECT_EQ(rule_.hold().raw, 0u);
}

TEST_F(FeedbackTest, ADecayTimeThatBecameShorterCountsAtOnce) {
  options.decay_ms = 86400000;
  go_up_and_down(8000, 100, 10, 10);
  ASSERT_GT(rule_.hold().raw, 1000u);
  options.decay_ms = 1000;
  go_up_and_down(100, 200, 100, 0);
  EXPECT_EQ(rule_.hold().raw, 0u);
}

TEST_F(FeedbackTest, WithNoDecayTimeNothingMayStay) {
  options.decay_ms = 0;
  go_up_and_down(4000, 10, 10, 10);
  EXPECT_EQ(rule_.may_stay({}, false).raw, 0u);
  EXPECT_EQ(rule_.may_stay({}, true).raw, 0u);
}

}  // namespace
}  // namespace ashlar::page
