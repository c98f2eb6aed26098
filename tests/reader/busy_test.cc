// Tests reading processes that allocate meanwhile, and large heaps.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

#include "child.h"
#include "tool/reader/reader.h"

namespace {

using namespace ashlar::reader;
using ashlar_test::Child;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

// What holds of every model, however much changed while it was read.
void expect_sound(const Model& model, const Split& split) {
  for (const Arena& arena : model.arenas) {
    std::uint64_t at = arena.range.start;
    for (const Block& block : arena.blocks) {
      ASSERT_EQ(block.start, at);
      ASSERT_GT(block.pages, 0u);
      at = block.end();
    }
    ASSERT_EQ(at, arena.range.end);
  }
  for (const Cache& cache : model.caches) {
    ASSERT_LE(cache.magazines + cache.depot, cache.out);
    ASSERT_LE(cache.out + cache.free_objects, cache.capacity);
  }
  for (std::size_t i = 1; i < model.areas.size(); ++i) ASSERT_LE(model.areas[i - 1].end, model.areas[i].start);
  ASSERT_TRUE(split.known);
}

// ASHLAR_READS=10000 is the long form.
TEST(Busy, ReadsOfABusyProcessAreSound) {
  Child child({CHURN}, LIBRARY);
  child.wait_until_ready();
  const std::uint64_t reads = from_environment("ASHLAR_READS", 300);
  const auto source = Source::live(child.pid());
  std::uint64_t with_live = 0, whole = 0;
  double longest = 0;
  for (std::uint64_t i = 0; i < reads; ++i) {
    const auto start = Clock::now();
    source->refresh();
    const Model model = read_model(*source);
    const Split split = split_rss(*source, model);
    longest = std::max(longest, seconds_since(start));
    expect_sound(model, split);
    if (HasFatalFailure()) return;
    with_live += split.live() != 0 ? 1 : 0;
    whole += model.approximate ? 0 : 1;
  }
  std::printf("%zu reads, %zu of them of a quiet moment, the longest took %.3f s\n", std::size_t{reads},
              std::size_t{whole}, longest);
  EXPECT_GT(with_live, reads / 2);
  EXPECT_LT(longest, 5);
}

// ASHLAR_LARGE_MIB=4096 is the long form.
TEST(Busy, ALargeHeapIsReadInASecond) {
  const std::uint64_t mib = from_environment("ASHLAR_LARGE_MIB", 1024);
  Child child({LARGE, std::to_string(mib)}, LIBRARY);
  child.wait_until_ready();
  double best = 1e9;
  for (int i = 0; i < 3; ++i) {
    const auto start = Clock::now();
    const auto source = Source::live(child.pid());
    const Model model = read_model(*source);
    const Split split = split_rss(*source, model);
    best = std::min(best, seconds_since(start));
    EXPECT_GT(split.live() >> 20, mib * 7 / 10);
    EXPECT_FALSE(model.approximate);
    EXPECT_NEAR(static_cast<double>(split.attributed()), static_cast<double>(split.ashlar_rss),
                static_cast<double>(split.ashlar_rss) / 100);
  }
  std::printf("a heap of %zu MiB is read in %.3f s\n", std::size_t{mib}, best);
  EXPECT_LT(best, 1.0);
}

}  // namespace
