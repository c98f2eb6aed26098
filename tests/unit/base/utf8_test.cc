// base: tests which bytes are a UTF-8 character, and how many invalid bytes are skipped together.
#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace ashlar {
namespace {

std::string replaced(std::string_view text) {
  std::string out;
  for_utf8(text, [&](std::string_view piece, bool valid) { out += valid ? piece : "?"; });
  return out;
}

TEST(Utf8, CharactersStay) {
  for (const char* const text : {"", "plain", "caf\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\xa7\xb1", "\xed\x9f\xbf",
                                 "\xee\x80\x80", "\xf4\x8f\xbf\xbf", "\xe0\xa0\x80", "\xf0\x90\x80\x80"}) {
    EXPECT_EQ(replaced(text), text);
  }
}

// As Unicode's table 3-8 has it: one replacement for the longest beginning of a character.
TEST(Utf8, OtherBytesAreReplacedByMaximalSubparts) {
  EXPECT_EQ(replaced("a\xff"
                     "b"),
            "a?b");
  EXPECT_EQ(replaced("\xe2\x82"
                     "b"),
            "?b")
      << "cut off";
  EXPECT_EQ(replaced("caf\xc3"), "caf?") << "at the end";
  EXPECT_EQ(replaced("\xc0\xaf"), "??") << "overlong";
  EXPECT_EQ(replaced("\xe0\x80\x80"), "???") << "overlong";
  EXPECT_EQ(replaced("\xed\xa0\x80"), "???") << "a surrogate";
  EXPECT_EQ(replaced("\xf4\x90\x80\x80"), "????") << "above U+10FFFF";
  EXPECT_EQ(replaced("\xf1\x80\x80\xe1\x80\xc2"
                     "b\x80"
                     "c\x80\xbf"
                     "d"),
            "???b?c??d");
}

}  // namespace
}  // namespace ashlar
