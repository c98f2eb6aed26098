// base: tests text in a fixed buffer.
#include <gtest/gtest.h>

#include <cinttypes>
#include <cstdio>
#include <string>

#include "base/text.h"

namespace ashlar {
namespace {

TEST(Text, WritesNumbersAsPrintfDoes) {
  for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{9}, std::uint64_t{10}, std::uint64_t{12345},
                                std::uint64_t{1} << 32, UINT64_MAX - 1, UINT64_MAX}) {
    char wanted[40];
    std::snprintf(wanted, sizeof wanted, "%" PRIu64, n);
    EXPECT_EQ((Text<40>() << n).view(), wanted);
    std::snprintf(wanted, sizeof wanted, "0x%" PRIx64, n);
    EXPECT_EQ(Text<40>().hex(n).view(), wanted);
  }
}

TEST(Text, WritesPointersInHex) {
  EXPECT_EQ(Text<40>().pointer(reinterpret_cast<const void*>(0x7f00dead)).view(), "0x7f00dead");
  EXPECT_EQ(Text<40>().pointer(nullptr).view(), "0x0");
}

TEST(Text, ColumnsAreRightAlignedAndNeverCutANumber) {
  EXPECT_EQ(Text<40>().column(7, 4).column(42, 4).view(), "   7  42");
  EXPECT_EQ(Text<40>().column(12345, 3).view(), "12345");
  EXPECT_EQ(Text<40>().column(0, 0).view(), "0");
}

TEST(Text, CutsWhatDoesNotFitAndNothingElse) {
  for (std::size_t length = 0; length <= 20; ++length) {
    Text<10> text;
    text << std::string(length, 'x');
    EXPECT_EQ(text.view(), std::string(length < 10 ? length : 10, 'x'));
  }
  Text<4> text;
  text << std::uint64_t{123456};
  EXPECT_EQ(text.view(), "1234");
  text.clear();
  text << "ab";
  EXPECT_EQ(text.view(), "ab");
}

TEST(Text, FirstAndAfterSplitWithoutThrowing) {
  const std::string_view text = "abc";
  for (std::size_t n = 0; n <= 5; ++n) {
    const std::size_t at = n < 3 ? n : 3;
    EXPECT_EQ(first(text, n), text.substr(0, at));
    EXPECT_EQ(after(text, n), text.substr(at));
  }
  EXPECT_EQ(first(text, std::string_view::npos), "abc");
  EXPECT_EQ(after(text, std::string_view::npos), "");
}

}  // namespace
}  // namespace ashlar
