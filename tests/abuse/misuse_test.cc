// Tests that each misuse ends in SIGABRT after one line on stderr that names the function, the pointer and the error.
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

// The pointer that a misuse announced, and the one line of the complaint that it died of.
void die_of(const char* misuse, std::string& pointer, std::string& complaint) {
  const Outcome outcome = run_preloaded({ASHLAR_TEST_ABUSE, misuse}, nullptr);
  SCOPED_TRACE(outcome.err);
  EXPECT_EQ(outcome.signal, SIGABRT) << "exit status " << outcome.exit_status;
  const std::vector<std::string> said = lines_of(outcome.out), complained = lines_of(outcome.err);
  ASSERT_EQ(said.size(), 1u);
  ASSERT_EQ(complained.size(), 1u);
  pointer = said[0];
  complaint = complained[0];
}

TEST_P(Misuse, IsNamedInOneLineAndAborts) {
  const Case& expected = GetParam();
  std::string pointer, complaint;
  ASSERT_NO_FATAL_FAILURE(die_of(expected.misuse, pointer, complaint));
  const std::string start = std::string("ashlar: ") + expected.function + "(): ";
  const std::string invalid = start + "invalid pointer " + pointer + ": not the start of a block";
  const std::string twice = start + "double free of " + pointer + ": the block is already free";
  const std::string& wanted = expected.double_free ? twice : invalid;
  // The message ends there or goes on with a detail.
  EXPECT_EQ(complaint.compare(0, wanted.size(), wanted), 0) << complaint << "\nwanted: " << wanted;
  if (complaint.size() > wanted.size()) EXPECT_EQ(complaint[wanted.size()], ' ');
}

INSTANTIATE_TEST_SUITE_P(
    Heap, Misuse,
    testing::Values(Case{"free_stack", "free"}, Case{"realloc_stack", "realloc"}, Case{"free_static", "free"},
                    Case{"free_mapping", "free"}, Case{"realloc_mapping", "realloc"}, Case{"free_far_away", "free"},
                    Case{"free_low", "free"}, Case{"realloc_far_away", "realloc"}, Case{"free_inside_small", "free"},
                    Case{"free_inside_small_odd", "free"}, Case{"free_inside_1024", "free"},
                    Case{"realloc_inside_small", "realloc"}, Case{"free_inside_middle", "free"},
                    Case{"free_inside_large", "free"}, Case{"free_inside_large_odd", "free"},
                    Case{"realloc_inside_large", "realloc"}, Case{"double_free_large", "free", true},
                    Case{"double_free_huge", "free"}, Case{"realloc_freed_large", "realloc", true},
                    Case{"double_free_of_0_bytes", "free", true}, Case{"realloc_freed_0_bytes", "free", true},
                    Case{"free_inside_0_bytes", "free"}),
    [](const auto& param) { return std::string(param.param.misuse); });

// Writes around large blocks; the line ends so, and names the address that was announced.
struct Write {
  const char* misuse;
  const char* start;
  const char* end;
};

void PrintTo(const Write& w, std::ostream* out) { *out << w.misuse; }

class StrayWrite : public testing::TestWithParam<Write> {};

TEST_P(StrayWrite, IsNamedInOneLineAndAborts) {
  const Write& expected = GetParam();
  std::string pointer, complaint;
  ASSERT_NO_FATAL_FAILURE(die_of(expected.misuse, pointer, complaint));
  const std::string wanted = "ashlar: " + std::string(expected.start) + pointer + ": " + expected.end;
  EXPECT_EQ(complaint.compare(0, wanted.size(), wanted), 0) << complaint << "\nwanted: " << wanted;
}

constexpr const char* kAt = "free(): corrupt memory at ";
constexpr const char* kLate = "a write after the block that started there was freed";
INSTANTIATE_TEST_SUITE_P(
    Heap, StrayWrite,
    testing::Values(Write{"overflow_large", kAt, "a write beyond the end of the block of 100000 bytes at 0x"},
                    Write{"overflow_of_reused", kAt, "a write beyond the end of the block of 99000 bytes at 0x"},
                    Write{"overflow_of_grown", "realloc(): corrupt memory at ",
                          "a write beyond the end of the block of 110000 bytes at 0x"},
                    Write{"underflow_large", "free(): corrupt memory before ",
                          "a write before the block that starts there"},
                    Write{"late_write_large", kAt, kLate}, Write{"late_write_reused_by_slabs", kAt, kLate},
                    Write{"late_write_until_exit", kAt, kLate}),
    [](const auto& param) { return std::string(param.param.misuse); });

constexpr const char* kModes[] = {"",     "harden",         "slab_debug=FZPU", "slab_debug",
                                  "slob", "guard_sample=1", "perturb=5",       "mmap_only"};

class NoAddress : public testing::TestWithParam<const char*> {};

// In no mode a fault without a word. Without checks, a free on the fast path writes to a tagged block at once.
TEST_P(NoAddress, IsNamedInEachMode) {
  const std::string misuse = GetParam();
  for (const std::string mode : kModes) {
    if (misuse == "free_tagged_small" && (mode.empty() || mode == "mmap_only")) continue;
    SCOPED_TRACE("ASHLAR_OPTIONS=" + mode);
    const Outcome outcome = run_preloaded({ASHLAR_TEST_ABUSE, misuse}, mode.c_str());
    EXPECT_EQ(outcome.signal, SIGABRT) << "exit status " << outcome.exit_status << ": " << outcome.err;
    const std::vector<std::string> said = lines_of(outcome.out);
    ASSERT_EQ(said.size(), 1u);
    EXPECT_NE(outcome.err.find("invalid pointer " + said[0]), std::string::npos) << outcome.err;
  }
}

INSTANTIATE_TEST_SUITE_P(Heap, NoAddress,
                         testing::Values("free_letters", "realloc_letters", "malloc_usable_size_letters",
                                         "free_of_kernel", "realloc_of_kernel", "malloc_usable_size_of_kernel",
                                         "free_five_levels", "realloc_five_levels", "malloc_usable_size_five_levels",
                                         "free_tagged_small", "realloc_tagged_small", "malloc_usable_size_tagged_small",
                                         "free_tagged_large", "realloc_tagged_large",
                                         "malloc_usable_size_tagged_large"),
                         [](const auto& param) { return std::string(param.param); });

TEST(LargeBlocks, UsedToTheirLastByteAreNeverReported) {
  for (const char* const options : {"", "purge=free", "perturb=7", "decay_ms=0", "numa_fake=2", "hugepages=always"}) {
    const Outcome outcome = run_preloaded({ASHLAR_TEST_ABUSE, "nothing_large"}, options);
    EXPECT_EQ(outcome.exit_status, 7) << options << ": " << outcome.err;
    EXPECT_EQ(outcome.err, "");
  }
}

}  // namespace
}  // namespace ashlar_test
