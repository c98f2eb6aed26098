// Tests ASHLAR_OPTIONS that are unknown, malformed or out of range. One line on stderr names the option, its value and
// what was expected. The program continues with the default, and its output and exit status are unchanged.
#include <gtest/gtest.h>

#include "run_program.h"

namespace ashlar_test {
namespace {

// A program with an output and an exit status of its own, which it gives to exit(): many shells use _exit, and then no
// report runs.
const std::vector<std::string> kProgram = {ASHLAR_TEST_ABUSE, "nothing"};

void expect_own_result(const Outcome& outcome) {
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_EQ(outcome.exit_status, 7);
  EXPECT_EQ(outcome.out, "out\n");
}

struct Case {
  const char* name;
  const char* options;
  const char* start;     // of the line
  const char* contains;  // later in it
};

class BadOption : public testing::TestWithParam<Case> {};

TEST_P(BadOption, IsNamedInOneLineAndTheProgramRunsOn) {
  const Outcome outcome = run_preloaded(kProgram, GetParam().options);
  SCOPED_TRACE(outcome.err);
  expect_own_result(outcome);
  const std::vector<std::string> complaint = lines_of(outcome.err);
  ASSERT_EQ(complaint.size(), 1u);
  EXPECT_EQ(complaint[0].rfind(GetParam().start, 0), 0u) << "wanted: " << GetParam().start;
  EXPECT_NE(complaint[0].find(GetParam().contains), std::string::npos) << "wanted: " << GetParam().contains;
}

#define OPTION_ERROR "ashlar: ASHLAR_OPTIONS: "
INSTANTIATE_TEST_SUITE_P(
    Options, BadOption,
    testing::Values(
        Case{"unknown", "foo", OPTION_ERROR "unknown option \"foo\"; known options: ", "decay_ms"},
        Case{"unknown_with_value", "foo=1", OPTION_ERROR "unknown option \"foo\"; known options: ", "stats"},
        Case{"prefix_of_a_known_one", "decay", OPTION_ERROR "unknown option \"decay\"; known options: ", "perturb"},
        Case{"longer_than_a_known_one", "decay_ms2=5",
             OPTION_ERROR "unknown option \"decay_ms2\"; known options: ", "purge"},
        Case{"no_number", "decay_ms=abc", OPTION_ERROR "decay_ms=\"abc\": expected ", ", using the default "},
        Case{"empty_value", "decay_ms=", OPTION_ERROR "decay_ms=\"\": expected ", ", using the default "},
        Case{"no_value", "decay_ms", OPTION_ERROR "decay_ms", ", using the default "},
        Case{"number_with_a_tail", "decay_ms=10x", OPTION_ERROR "decay_ms=\"10x\": expected ", ", using the default "},
        Case{"overflow", "decay_ms=99999999999999999999999",
             OPTION_ERROR "decay_ms=\"99999999999999999999999\": expected ", ", using the default "},
        Case{"overflow_to_small", "decay_ms=18446744073709551617",
             OPTION_ERROR "decay_ms=\"18446744073709551617\": expected ", ", using the default "},
        Case{"negative", "decay_ms=-5", OPTION_ERROR "decay_ms=\"-5\": expected ", ", using the default "},
        Case{"byte_out_of_range", "perturb=256", OPTION_ERROR "perturb=\"256\": expected ", ", using the default "},
        Case{"no_such_choice", "purge=sometimes", OPTION_ERROR "purge=\"sometimes\": expected ", "dontneed"},
        Case{"swap_without_a_size", "swap=/tmp", OPTION_ERROR "swap=\"/tmp\": expected path:bytes[:priority]",
             "; this area is not made"},
        Case{"swap_of_a_bad_priority", "swap=/tmp:4m:x", OPTION_ERROR "swap=\"/tmp:4m:x\": expected ",
             "a priority of at most 32767"},
        Case{"swap_in_no_folder", "swap=/no/folder:4m",
             "ashlar: swap=/no/folder:4194304: no swap area was made: ", "no such folder"},
        Case{"swap_twice", "swap=/tmp:4m,swap=/tmp:8m",
             "ashlar: swap=/tmp:8388608: no swap area was made: ", "a swap area with this path exists"},
        Case{"swap_under_mmap_only", "mmap_only,swap=/tmp:4m",
             "ashlar: swap=/tmp:4194304: no swap area was made: ", "the option mmap_only forbids files"},
        Case{"good_beside_bad", "decay_ms=500,bar,perturb=0",
             OPTION_ERROR "unknown option \"bar\"; known options: ", "stats"}),
    [](const auto& param) { return std::string(param.param.name); });

class GoodOption : public testing::TestWithParam<const char*> {};

TEST_P(GoodOption, SaysNothing) {
  const Outcome outcome = run_preloaded(kProgram, GetParam());
  expect_own_result(outcome);
  EXPECT_EQ(outcome.err, "");
}
INSTANTIATE_TEST_SUITE_P(Options, GoodOption,
                         testing::Values("", "decay_ms=0", "decay_ms=1000", "perturb=0", "perturb=255",
                                         "purge=dontneed", "purge=free", "decay_ms=10,purge=free,perturb=7",
                                         "swap=/tmp:64m:5", "swap=/tmp:64m,swap=none"));

TEST(Options, EachBadOneHasALineOfItsOwn) {
  const Outcome outcome = run_preloaded(kProgram, "foo,decay_ms=abc,perturb=999");
  expect_own_result(outcome);
  EXPECT_EQ(lines_of(outcome.err).size(), 3u) << outcome.err;
}

TEST(Options, OfAbsurdLengthAreSurvived) {
  for (const std::string& options : {std::string(100000, 'x'), "decay_ms=" + std::string(100000, '9'),
                                     std::string(100000, ','), std::string(50000, '=')}) {
    const Outcome outcome = run_preloaded(kProgram, options.c_str());
    expect_own_result(outcome);
    EXPECT_LE(lines_of(outcome.err).size(), 100u);
  }
}

TEST(Options, UnprintableBytesDoNotReachTheTerminal) {
  const Outcome outcome = run_preloaded(kProgram, "\x1b[31mred\x07=\x01");
  expect_own_result(outcome);
  EXPECT_EQ(outcome.err.find('\x1b'), std::string::npos);
  EXPECT_EQ(outcome.err.find('\x07'), std::string::npos);
  EXPECT_EQ(outcome.err.rfind(OPTION_ERROR, 0), 0u) << outcome.err;
}

TEST(Options, StatsEndsTheRunWithAReport) {
  const Outcome outcome = run_preloaded(kProgram, "stats");
  expect_own_result(outcome);
  EXPECT_EQ(outcome.err.rfind("ashlar: ", 0), 0u) << outcome.err;
  EXPECT_EQ(outcome.err.find("ASHLAR_OPTIONS"), std::string::npos) << outcome.err;
}

TEST(Options, HelpNamesEveryOption) {
  const Outcome outcome = run_preloaded(kProgram, "help");
  expect_own_result(outcome);
  for (const char* option : {"stats", "decay_ms", "perturb", "purge"}) {
    EXPECT_NE(outcome.err.find(option), std::string::npos) << option;
  }
}

}  // namespace
}  // namespace ashlar_test
