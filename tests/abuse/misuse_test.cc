// Each misuse ends in SIGABRT after one line on stderr that names the function, the pointer and what is wrong with
// it.
#include <gtest/gtest.h>
#include <signal.h>

#include <regex>

#include "run_program.h"

namespace ashlar_test {
namespace {

struct Case {
  const char* misuse;
  const char* function;
  bool double_free = false;  // else "not the start of a block"
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.misuse; }

class Misuse : public testing::TestWithParam<Case> {};

TEST_P(Misuse, IsNamedInOneLineAndAborts) {
  const Case& expected = GetParam();
  const Outcome outcome = run_preloaded({ASHLAR_TEST_ABUSE, expected.misuse}, nullptr);
  SCOPED_TRACE(outcome.err);
  EXPECT_EQ(outcome.signal, SIGABRT) << "exit status " << outcome.exit_status;
  const std::vector<std::string> said = lines_of(outcome.out), complaint = lines_of(outcome.err);
  ASSERT_EQ(said.size(), 1u);
  ASSERT_EQ(complaint.size(), 1u);
  const std::string pointer = said[0];
  const std::string start = std::string("ashlar: ") + expected.function + "(): ";
  const std::string invalid = start + "invalid pointer " + pointer + ": not the start of a block";
  const std::string twice = start + "double free of " + pointer + ": the block is already free";
  const std::string& wanted = expected.double_free ? twice : invalid;
  // The message ends there or goes on with a detail.
  EXPECT_EQ(complaint[0].compare(0, wanted.size(), wanted), 0) << "wanted: " << wanted;
  if (complaint[0].size() > wanted.size()) EXPECT_EQ(complaint[0][wanted.size()], ' ');
}

INSTANTIATE_TEST_SUITE_P(Heap, Misuse,
                         testing::Values(Case{"free_stack", "free"}, Case{"realloc_stack", "realloc"},
                                         Case{"free_static", "free"}, Case{"free_mapping", "free"},
                                         Case{"realloc_mapping", "realloc"}, Case{"free_far_away", "free"},
                                         Case{"free_low", "free"}, Case{"realloc_far_away", "realloc"},
                                         Case{"free_inside_small", "free"}, Case{"free_inside_small_odd", "free"},
                                         Case{"free_inside_1024", "free"}, Case{"realloc_inside_small", "realloc"},
                                         Case{"free_inside_middle", "free"}, Case{"free_inside_large", "free"},
                                         Case{"free_inside_large_odd", "free"}, Case{"realloc_inside_large", "realloc"},
                                         Case{"double_free_large", "free", true}, Case{"double_free_huge", "free"},
                                         Case{"realloc_freed_large", "realloc", true}),
                         [](const auto& param) { return std::string(param.param.misuse); });

}  // namespace
}  // namespace ashlar_test
