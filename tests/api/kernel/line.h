// Reads the lines that a call writes to stderr.
#pragma once

#include <gtest/gtest.h>

#include <string>

namespace ashlar_test {

// Returns what `call` writes to file descriptor 2.
template <class Call>
std::string lines_of(Call call) {
  testing::internal::CaptureStderr();
  call();
  return testing::internal::GetCapturedStderr();
}

// Returns whether the text is one line "ashlar: ...
// " that contains `text`.
inline testing::AssertionResult is_one_line_with(const std::string& lines, const std::string& text) {
  if (lines.rfind("ashlar: ", 0) != 0) return testing::AssertionFailure() << "no line of Ashlar's: " << lines;
  if (lines.find('\n') != lines.size() - 1) return testing::AssertionFailure() << "not one line: " << lines;
  if (lines.find(text) == std::string::npos) return testing::AssertionFailure() << '"' << text << "\" not in " << lines;
  return testing::AssertionSuccess();
}

}  // namespace ashlar_test
