// api: tests what a refused call returns and what it sets errno to.
#include "api/refusal.h"

#include <gtest/gtest.h>

#include <climits>
#include <cstdint>
#include <string>

namespace ashlar::api {
namespace {

TEST(Refusal, IsOneLineWithItsCallerAndEinval) {
  errno = 0;
  testing::internal::CaptureStderr();
  void* const p = refuse("ashlar_cache_create()", "the name is empty");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "ashlar: ashlar_cache_create(): the name is empty\n");
  EXPECT_EQ(p, nullptr);
  EXPECT_EQ(errno, EINVAL);
}

TEST(Refusal, OfAnAddressNamesIt) {
  errno = 0;
  testing::internal::CaptureStderr();
  refuse_address("ashlar_vfree()", reinterpret_cast<const void*>(0x1230), "is not the start of an area");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "ashlar: ashlar_vfree(): 0x1230 is not the start of an area\n");
  EXPECT_EQ(errno, EINVAL);
}

TEST(Refusal, OfANumberNamesItAndTheRange) {
  errno = 0;
  testing::internal::CaptureStderr();
  EXPECT_EQ(refuse_number("caller", "the order is ", 14u, ", expected 0 to 13"), nullptr);
  refuse_number("caller", "the number is ", INT_MIN, ", expected 1 to 9");
  refuse_number("caller", "the size is ", SIZE_MAX, ", expected 1 to 9");
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "ashlar: caller: the order is 14, expected 0 to 13\n"
            "ashlar: caller: the number is -2147483648, expected 1 to 9\n"
            "ashlar: caller: the size is 18446744073709551615, expected 1 to 9\n");
  EXPECT_EQ(errno, EINVAL);
}

TEST(Refusal, OfFlagsNamesThemAndTheKnownOnes) {
  errno = 0;
  testing::internal::CaptureStderr();
  EXPECT_EQ(refuse_flags("caller", 0x88, "ASHLAR_GFP_WAIT"), nullptr);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "ashlar: caller: unknown flags 0x88: expected ASHLAR_GFP_WAIT\n");
  EXPECT_EQ(errno, EINVAL);
}

// A caller's text is cut, not overrun.
TEST(Refusal, OfALongReasonStaysALine) {
  testing::internal::CaptureStderr();
  refuse("caller", std::string(1000, 'x'));
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_LT(line.size(), 330u);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST(Refusal, WritesNumbersWithTheirSigns) {
  Text<100> line;
  write_signed(line, -1) << " ";
  write_signed(line, 0) << " ";
  write_signed(line, INT_MAX) << " ";
  write_signed(line, INT_MIN);
  EXPECT_EQ(line.view(), "-1 0 2147483647 -2147483648");
}

}  // namespace
}  // namespace ashlar::api
