// Tests the reports of slab_debug, harden and guard_sample: the fault, the address, the block and its neighbours, both
// stacks and the threads. They are tested for each letter, with debug_continue, for chosen caches, for named caches,
// and in a forked child. Also tests failslab, whose failures are counted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <map>
#include <regex>

#include "run_program.h"

namespace ashlar_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct Report {
  Outcome outcome;
  std::map<std::string, std::string> said;  // the last value of each key
  std::vector<std::string> lines;           // of stderr

  // True if a line fits the pattern, in which $KEY stands for what the program said.
  bool has(std::string pattern) const {
    for (const auto& [key, value] : said) {
      for (size_t at; (at = pattern.find("$" + key)) != std::string::npos;) {
        pattern.replace(at, key.size() + 1, value);
      }
    }
    const std::regex regex("ashlar: " + pattern);
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& l) { return std::regex_match(l, regex); });
  }
  long number(const std::string& key) const { return said.count(key) != 0 ? std::stol(said.at(key), nullptr, 0) : -1; }
};

Report run(const char* what, const char* options) {
  Report report{run_preloaded({ASHLAR_TEST_REPORTING, what}, options), {}, {}};
  for (const std::string& line : lines_of(report.outcome.out)) {
    const size_t equals = line.find('=');
    report.said[line.substr(0, equals)] = line.substr(equals + 1);
  }
  report.lines = lines_of(report.outcome.err);
  return report;
}

std::vector<std::string> values(const Outcome& outcome, const std::string& key) {
  std::vector<std::string> all;
  for (const std::string& line : lines_of(outcome.out)) {
    if (line.rfind(key + "=", 0) == 0) all.push_back(line.substr(key.size() + 1));
  }
  return all;
}

#define EXPECT_REPORT(report, pattern) EXPECT_TRUE((report).has(pattern)) << (pattern) << "\n" << (report).outcome.err
#define EXPECT_NO_REPORT(report, pattern) \
  EXPECT_FALSE((report).has(pattern)) << (pattern) << "\n" << (report).outcome.err

void expect_death(const Report& report, int signal = SIGABRT) {
  EXPECT_EQ(report.outcome.signal, signal) << report.outcome.err;
}

constexpr const char* kDouble = "BUG malloc-48: double free of $block by free\\(\\): the block is already free";
constexpr const char* kAllocated = "  allocated by thread $thread, [0-9]+ ms ago:";
constexpr const char* kAllocator = "    0x[0-9a-f]+ who_allocates\\+0x[0-9a-f]+ \\(.*reporting\\)";
constexpr const char* kFreer = "    0x[0-9a-f]+ who_frees\\+0x[0-9a-f]+ \\(.*reporting\\)";

TEST(SlabDebugF, ReportsADoubleFreeWithTheBlockAndNothingElseIsChecked) {
  const Report report = run("double_free", "slab_debug=F");
  expect_death(report);
  EXPECT_REPORT(report, kDouble);
  EXPECT_REPORT(report, "  block $block: free, 40 bytes");
  EXPECT_REPORT(report, "  behind it 0x[0-9a-f]+: (never in use|live|free).*");
  EXPECT_NO_REPORT(report, "  allocated by .*");
  for (const char* const unseen : {"overflow", "underflow", "late_write"}) {
    EXPECT_EQ(run(unseen, "slab_debug=F").outcome.exit_status, 0) << unseen;
  }
}

TEST(SlabDebugF, ReportsAPointerInsideABlock) {
  const Report report = run("inside", "slab_debug=F");
  expect_death(report);
  EXPECT_REPORT(report,
                "BUG malloc-48: invalid pointer 0x[0-9a-f]+ in free\\(\\): not the start of a block "
                "\\(16 bytes inside the block of 40 bytes at $block\\)");
}

TEST(SlabDebugF, ReportsAMismatchedDelete) {
  const Report report = run("delete", "slab_debug=F");
  expect_death(report);
  EXPECT_REPORT(report, "BUG malloc-48: mismatched free of $block by delete: the block is of malloc, not of new");
}

TEST(SlabDebugZ, ReportsTheFirstWrongByteBehindABlock) {
  const Report report = run("overflow", "slab_debug=Z");
  expect_death(report);
  EXPECT_REPORT(report,
                "BUG malloc-48: right redzone overwritten, first at 0x[0-9a-f]+: 0x41 instead of 0xcc, found by "
                "free\\(\\)");
  EXPECT_REPORT(report, "  block $block: being allocated or freed, 40 bytes");
  EXPECT_REPORT(report, "  redzone 0x[0-9a-f]+: cc cc cc .*");
  EXPECT_REPORT(report, "  object  $block: 01 01 01 .*");
  EXPECT_REPORT(report, "  redzone 0x[0-9a-f]+: 41 cc cc .*");
}

TEST(SlabDebugZ, ReportsAByteBeforeABlock) {
  const Report report = run("underflow", "slab_debug=Z");
  expect_death(report);
  EXPECT_REPORT(report,
                "BUG malloc-48: left redzone overwritten, first at 0x[0-9a-f]+: 0x41 instead of 0xcc, found by .*");
}

TEST(SlabDebugP, ReportsAWriteToAFreeBlockWhenAllAreChecked) {
  const Report report = run("late_write", "slab_debug=P");
  expect_death(report);
  EXPECT_REPORT(report,
                "BUG malloc-48: object written after it was freed, first at 0x[0-9a-f]+: 0x41 instead of 0x6b, found "
                "by the check of all blocks");
  EXPECT_REPORT(report, "  block $block: free, 40 bytes");
  EXPECT_REPORT(report, "  object  $block: 6b 6b 6b 6b 6b 41 6b .*");
}

TEST(SlabDebugP, ReportsAWriteToAFreeBlockAtExit) {
  const Report report = run("late_write_until_exit", "slab_debug=P");
  expect_death(report);
  EXPECT_REPORT(report, "BUG malloc-48: object written after it was freed, first at .*: 0x41 instead of 0xa5, .*");
}

TEST(SlabDebugP, FillsNewBlocksAsTheKernelDoes) {
  EXPECT_EQ(run("new_is_poisoned", "slab_debug=P").number("byte"), 0x5a);
}

TEST(SlabDebugU, NamesBothThreadsAndBothStacks) {
  const Report report = run("double_free", "slab_debug=FU");
  expect_death(report);
  EXPECT_REPORT(report, kDouble);
  EXPECT_REPORT(report, kAllocated);
  EXPECT_REPORT(report, kAllocator);
  EXPECT_REPORT(report, "  freed by thread $other, [0-9]+ ms ago:");
  EXPECT_REPORT(report, kFreer);
}

TEST(SlabDebugT, WritesALineForEachCall) {
  const Report report = run("trace", "slab_debug=T");
  EXPECT_EQ(report.outcome.exit_status, 0);
  EXPECT_REPORT(report, "TRACE malloc-8192 alloc $block size=7777 thread=$thread");
  EXPECT_REPORT(report, "TRACE malloc-8192 free $block size=7777 thread=$thread");
}

TEST(LargeBlocks, AreGuardedAndTheFaultIsExplained) {
  const Report overflow = run("large_overflow", "slab_debug=FU");
  expect_death(overflow, SIGSEGV);
  EXPECT_REPORT(overflow,
                "BUG malloc-large: access out of bounds at 0x[0-9a-f]+: 0 bytes behind the block of 100000 bytes at "
                "$block");
  EXPECT_REPORT(overflow, kAllocator);
  const Report late = run("large_use_after_free", "slab_debug=FU");
  expect_death(late, SIGSEGV);
  EXPECT_REPORT(late, "BUG malloc-large: use after free at .*: 50000 bytes inside the block of 100000 bytes at $block");
  EXPECT_REPORT(late, kAllocator);
  EXPECT_REPORT(late, kFreer);
}

TEST(DebugContinue, RepairsAndGoesOnAfterEachKind) {
  for (const char* const options : {"slab_debug=FZP,debug_continue", "slab_debug,debug_continue"}) {
    const Report report = run("all_kinds", options);
    EXPECT_EQ(report.outcome.exit_status, 9) << report.outcome.err;
    for (const char* const fault :
         {"BUG malloc-48: right redzone overwritten.*", "BUG malloc-48: left redzone overwritten.*",
          "BUG malloc-48: object written after it was freed.*", "BUG malloc-48: double free of .*",
          "BUG malloc-48: invalid pointer .*", "BUG malloc-48: mismatched free of .*"}) {
      EXPECT_REPORT(report, fault);
    }
    EXPECT_EQ(std::count(report.lines.begin(), report.lines.end(),
                         "ashlar:   FIX: repaired or ignored, as debug_continue is on"),
              6)
        << report.outcome.err;
    EXPECT_EQ(report.number("validated"), 1);
    EXPECT_EQ(report.number("left"), 0) << "repaired";
  }
  const Report harden = run("all_kinds", "harden,debug_continue");
  EXPECT_EQ(harden.outcome.exit_status, 9) << harden.outcome.err;
  EXPECT_EQ(harden.number("left"), 0);
}

TEST(ChosenCaches, AloneAreChecked) {
  for (const char* const options :
       {"slab_debug=FZ,malloc-64,my_cache,debug_continue", "slab_debug=FZ;malloc-64;my_*,debug_continue"}) {
    const Report report = run("selected", options);
    EXPECT_EQ(report.outcome.exit_status, 9) << report.outcome.err;
    EXPECT_EQ(report.number("passed"), 1);
    EXPECT_REPORT(report, "BUG malloc-64: right redzone overwritten, first at .*: 0x41 instead of 0xcc, .*");
    EXPECT_REPORT(report, "BUG my_cache: right redzone overwritten, first at .*: 0x41 instead of 0xcc, .*");
    EXPECT_REPORT(report, "  block $object: being allocated or freed, 100 bytes");
    EXPECT_EQ(std::count_if(report.lines.begin(), report.lines.end(),
                            [](const std::string& l) { return l.find("BUG") != std::string::npos; }),
              2)
        << report.outcome.err;
  }
  const Report unknown = run("new_is_poisoned", "slab_debug=FZ,malloc-65,their_cache");
  EXPECT_REPORT(unknown, "ASHLAR_OPTIONS: slab_debug: no cache \"malloc-65\"; expected malloc-16 .*");
  EXPECT_EQ(unknown.lines.size(), 1u) << "a cache of the program's may be made later";
}

struct CacheCase {
  const char* what;
  const char* line;
};

void PrintTo(const CacheCase& c, std::ostream* out) { *out << c.what; }

class NamedCache : public testing::TestWithParam<CacheCase> {};

TEST_P(NamedCache, IsChecked) {
  for (const char* const options : {"slab_debug=FZPU", "harden"}) {
    const Report report = run(GetParam().what, options);
    SCOPED_TRACE(options);
    EXPECT_NE(report.outcome.signal, 0);
    EXPECT_REPORT(report, GetParam().line);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Faults, NamedCache,
    testing::Values(
        CacheCase{"cache_overflow", "BUG inode: right redzone overwritten, first at 0x[0-9a-f]+: 0x41 instead of .*"},
        CacheCase{"cache_double_free", "BUG inode: double free of $block by ashlar_cache_free\\(\\): .*already free"},
        CacheCase{"cache_misaligned",
                  "BUG inode: invalid pointer .*\\(8 bytes inside the block of 100 bytes at $block\\)"},
        CacheCase{"cache_wrong", "BUG dentry: wrong cache in ashlar_cache_free\\(\\): $block is of \"inode\""},
        CacheCase{"cache_of_malloc", "BUG inode: wrong cache in ashlar_cache_free\\(\\): $block is of malloc"},
        CacheCase{"cache_foreign", "ashlar_cache_free\\(\"inode\"\\): $block is not an object of a cache"},
        CacheCase{"cache_late_write", "BUG inode: object written after it was freed, first at .*"},
        CacheCase{"cache_constructed_overflow", "BUG inode: .*, first at 0x[0-9a-f]+: 0x41 instead of .*"},
        CacheCase{"cache_large", "BUG inode: access out of bounds at .*: 0 bytes behind the block of 100000 bytes .*"}),
    [](const auto& param) { return std::string(param.param.what); });

TEST(NamedCacheWithConstructor, KeepsItsBytesWhileItIsFree) {
  for (const char* const options : {"slab_debug=FZPU", "harden", "harden,slab_debug=FZP", "slab_debug=P"}) {
    const Report report = run("cache_constructed", options);
    EXPECT_EQ(report.outcome.exit_status, 0) << options << report.outcome.err;
    EXPECT_EQ(report.number("left"), 0);
    EXPECT_EQ(report.number("destroyed"), 0);
  }
}

TEST(Pages, AreClearedOrPoisonedWhenTheyAreFreed) {
  EXPECT_EQ(run("pages", "harden").number("byte"), 0);
  EXPECT_EQ(run("pages", "slab_debug=P").number("byte"), 0xaa);
  EXPECT_EQ(run("pages", "").number("byte"), 1);
}

class Forks : public testing::TestWithParam<const char*> {};

TEST_P(Forks, LeaveTheChildUsableAndItsReportRight) {
  const Report report = run("forks", GetParam());
  EXPECT_EQ(report.outcome.exit_status, 0) << report.outcome.err;
  EXPECT_EQ(report.number("good"), 1) << "each child was sound, and ended by its report";
  EXPECT_EQ(report.number("left"), 0);
  EXPECT_TRUE(report.has("BUG malloc-48: right redzone overwritten, .*") || report.has("BUG malloc-48: access out .*"))
      << report.outcome.err;
}
INSTANTIATE_TEST_SUITE_P(Modes, Forks,
                         testing::Values("harden", "slab_debug=FZPU", "slab_debug=FZ,malloc-48", "guard_sample=1",
                                         "slob,harden"),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return !isalnum(c); }, '_');
                           return name;
                         });

TEST(Failslab, FailsEachIntervalThCall) {
  EXPECT_EQ(run("count_failures", "failslab=100:1:7777-7777").number("failed"), 10000);
  EXPECT_EQ(run("count_failures", "failslab=100:4:7777-7777").number("failed"), 2500);
  EXPECT_THAT(values(run("first_failures", "failslab=100:16:7777-7777").outcome, "failed"), ElementsAre("16", "32"));
}

TEST(Failslab, FailsNoMoreThanSoManyTimes) {
  EXPECT_EQ(run("count_failures", "failslab=100:1:7777-7777:123").number("failed"), 123);
  EXPECT_THAT(values(run("first_failures", "failslab=100:2:7777-7777:3").outcome, "failed"),
              ElementsAre("2", "4", "6"));
  EXPECT_EQ(run("count_failures", "failslab=100:1:7777-7777:0").number("failed"), 0);
}

TEST(Failslab, FailsSizesOfTheRangeAlone) {
  EXPECT_EQ(run("count_failures", "failslab=100:1:7778-9000").number("failed"), 0);
  EXPECT_EQ(run("count_failures", "failslab=100:1:7000-7776").number("failed"), 0);
  EXPECT_EQ(run("count_failures", "failslab=100:1:7000-7777:50").number("failed"), 50);
}

TEST(Failslab, FailsAboutThePercentage) {
  EXPECT_EQ(run("count_failures", "failslab=0:1:7777-7777").number("failed"), 0);
  for (const long percent : {1L, 30L, 70L}) {
    const std::string options = "failslab=" + std::to_string(percent) + ":1:7777-7777";
    const long failed = run("count_failures", options.c_str()).number("failed");
    // six standard deviations of a binomial distribution are below 300
    EXPECT_NEAR(static_cast<double>(failed), static_cast<double>(percent * 100), 300) << options;
  }
}

TEST(Failslab, FailsEveryFunctionAsMemoryThatRanOut) {
  const Report report = run("failing_functions", "failslab=100:1:7777-7777");
  EXPECT_EQ(report.outcome.exit_status, 0) << report.outcome.err;
  for (const char* const null : {"calloc", "realloc", "memalign", "nothrow"}) EXPECT_EQ(report.number(null), 0) << null;
  EXPECT_EQ(report.number("kept"), 5) << "a realloc that fails leaves the block";
  EXPECT_EQ(report.number("posix_memalign"), ENOMEM);
  EXPECT_EQ(report.number("out"), 1) << "posix_memalign leaves the pointer";
  EXPECT_EQ(report.number("new"), 1) << "std::bad_alloc";
}

}  // namespace
}  // namespace ashlar_test
