// Tests what harden promises of large blocks, of places and of realloc, and that free memory ages where no thread has a
// heap.
#include <gtest/gtest.h>
#include <signal.h>

#include "run_program.h"

namespace ashlar_test {
namespace {

Outcome run(const char* what, const char* options = "harden") {
  return run_preloaded({ASHLAR_TEST_HARDENED, what}, options);
}

long figure(const Outcome& outcome) {
  EXPECT_EQ(outcome.exit_status, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  return outcome.out.empty() ? -1 : std::stol(outcome.out);
}

TEST(HardenedLargeBlocks, BeyondTheMostThatHaveGuardsShowNoOldData) {
  EXPECT_EQ(figure(run("many_large_old_data")), 0);
}

TEST(HardenedLargeBlocks, BeyondTheMostThatHaveGuardsHaveZones) {
  const Outcome outcome = run("many_large_overflow");
  // where the system allows as many mappings, the last block has a guard all the same
  const bool guarded = outcome.err.find("access out of bounds") != std::string::npos;
  EXPECT_EQ(outcome.signal, guarded ? SIGSEGV : SIGABRT) << outcome.err;
  if (!guarded) EXPECT_NE(outcome.err.find("right redzone overwritten"), std::string::npos) << outcome.err;
}

class HardenedPlaces : public testing::TestWithParam<const char*> {};

TEST_P(HardenedPlaces, OfSuccessiveBlocksAreSeldomNextToEachOther) {
  const long percent = figure(run(GetParam()));
  EXPECT_LE(percent, 20);
  EXPECT_GE(percent, 0);
}

INSTANTIATE_TEST_SUITE_P(Sizes, HardenedPlaces,
                         testing::Values("adjacent_1000", "adjacent_8000", "adjacent_30000", "adjacent_100000"),
                         [](const auto& param) { return std::string(param.param); });

TEST(HardenedRealloc, KeepsTheAddressWhileTheBlockFitsItsPlace) {
  EXPECT_EQ(figure(run("same_size_40")), 1);
  EXPECT_EQ(figure(run("same_size_2000000")), 1);
  EXPECT_LE(figure(run("addresses_of_growth")), 16) << "of 512 steps";
}

TEST(HardenedRealloc, MovesUnderSlabDebugEachTime) { EXPECT_GT(figure(run("same_size_40", "slab_debug")), 50); }

TEST(HardenedRealloc, GuardsTheNewEnd) {
  for (const char* const what : {"shrunk_100", "shrunk_150000"}) {
    const Outcome outcome = run(what);
    EXPECT_EQ(outcome.signal, SIGABRT) << what << outcome.err;
    EXPECT_NE(outcome.err.find("right redzone overwritten"), std::string::npos) << what << outcome.err;
  }
}

TEST(HardenedRealloc, ClearsWhatABlockLosesAndGains) {
  for (const char* const what : {"regained_100", "regained_100_for_20", "regained_200000", "regained_200000_for_100"}) {
    EXPECT_EQ(figure(run(what)), 1) << what;
  }
}

TEST(Ages, CountWhereNoHeapCountsMisses) {
  for (const char* const options : {"harden,decay_ms=200", "slab_debug=FP,decay_ms=200", "perturb=7,decay_ms=200"}) {
    EXPECT_LE(figure(run("percent_kept", options)), 75) << options;
  }
}

}  // namespace
}  // namespace ashlar_test
