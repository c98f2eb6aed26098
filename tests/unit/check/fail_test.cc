// check: tests which calls failslab lets fail.
#include "check/check_fixture.h"

namespace ashlar::check {
namespace {

class FailTest : public CheckTest {
 protected:
  FailTest() { options.failslab = 100; }  // percent
  static unsigned failures(unsigned calls, std::size_t size = 100) {
    unsigned n = 0;
    for (unsigned i = 0; i < calls; ++i) n += should_fail(size) ? 1 : 0;
    return n;
  }
};

TEST_F(FailTest, EachCallFailsAtAHundredPercent) { EXPECT_EQ(failures(50), 50u); }

TEST_F(FailTest, NoneFailsOnceAsManyFailedAsWereAskedFor) {
  options.fail.times = 3;
  EXPECT_EQ(failures(50), 3u);
  EXPECT_EQ(failures(50), 0u);
  ashlar_test::make_fresh(fail_counts);
  EXPECT_EQ(failures(50), 3u) << "counted anew";
}

TEST_F(FailTest, OneInAnIntervalFails) {
  options.fail.interval = 7;
  EXPECT_EQ(failures(6), 0u);
  EXPECT_EQ(failures(1), 1u);
  EXPECT_EQ(failures(70), 10u);
}

TEST_F(FailTest, OtherSizesNeitherFailNorCount) {
  options.fail.min = 100;
  options.fail.max = 200;
  options.fail.interval = 2;
  EXPECT_EQ(failures(1), 0u);
  EXPECT_EQ(failures(10, 99), 0u);
  EXPECT_EQ(failures(10, 201), 0u);
  EXPECT_EQ(failures(1, 200), 1u) << "the second that counts";
}

TEST_F(FailTest, AboutTheShareThatWasAskedForFails) {
  options.failslab = 30;
  const unsigned n = failures(10000);
  EXPECT_GT(n, 2700u);
  EXPECT_LT(n, 3300u);
}

}  // namespace
}  // namespace ashlar::check
