// Tests heaps that programs make, read from outside, from a process and from a core file. They have the figures that
// the library gives for them.
#include <gtest/gtest.h>

#include <cstdlib>

#include "look.h"

namespace {

using namespace ashlar::reader;
using namespace ashlar_test;

class Heaps : public testing::TestWithParam<const char*> {
 protected:
  Heaps() {
    setenv("ASHLAR_OPTIONS", GetParam(), 1);
    child_ = std::make_unique<Child>(std::vector<std::string>{HEAPS}, LIBRARY);
    unsetenv("ASHLAR_OPTIONS");
  }
  [[nodiscard]] ProgramHeaps read() const {
    const auto source = Source::live(child_->pid());
    return read_program_heaps(*source);
  }
  Said step() {
    child_->step();
    return child_->wait_until_ready();
  }
  std::unique_ptr<Child> child_;
};

void expect_as_said(const ProgramHeaps& all, const Said& said) {
  EXPECT_FALSE(all.approximate);
  ASSERT_EQ(all.heaps.size(), said.heaps.size() + 1);
  for (std::size_t i = 0; i < said.heaps.size(); ++i) {
    const ProgramHeap& heap = all.heaps[i];
    const SaidHeap& wanted = said.heaps[i];
    SCOPED_TRACE(wanted.name);
    EXPECT_EQ(heap.address, wanted.address);
    EXPECT_EQ(heap.name, wanted.name);
    EXPECT_EQ(heap.bytes, wanted.bytes);
    EXPECT_EQ(heap.max_bytes, wanted.peak_bytes);
    EXPECT_EQ(heap.limit, wanted.limit);
    EXPECT_EQ(heap.blocks, wanted.blocks);
    EXPECT_EQ(heap.used_bytes, wanted.used_bytes);
    EXPECT_EQ(heap.kept_bytes, wanted.kept_bytes);
    EXPECT_EQ(heap.chunks, wanted.chunks);
    EXPECT_EQ(heap.large, wanted.large);
  }
  EXPECT_EQ(all.heaps.back().address, 0U);
  EXPECT_EQ(all.heaps.back().blocks, said.left);
}

TEST_P(Heaps, HaveWhatTheLibrarySaysOfThem) {
  child_->wait_until_ready();
  EXPECT_TRUE(read().heaps.empty());
  const Said all = step();
  ASSERT_EQ(all.heaps.size(), 3U);
  const ProgramHeaps heaps = read();
  expect_as_said(heaps, all);
  ASSERT_EQ(heaps.heaps.size(), 4U);
  EXPECT_EQ(heaps.heaps[0].blocks, 5024U);
  EXPECT_EQ(heaps.heaps[0].spans, 20U);
  EXPECT_GT(heaps.heaps[0].slabs, 5000 * 72 / (16 * kPage));
  EXPECT_EQ(heaps.heaps[0].large, 4U);
  EXPECT_GE(heaps.heaps[0].large_bytes, (std::uint64_t{33} << 20) + 300000);
  // where each call is to be seen a thread has no heap of its own, and owns none
  const std::string mode = GetParam();
  EXPECT_EQ(heaps.heaps[0].owned, mode.empty() || mode == "numa_fake=2");
  EXPECT_FALSE(heaps.heaps[1].owned) << "its owner has ended";
  EXPECT_EQ(heaps.heaps[1].limit, 1U << 20);
  EXPECT_EQ(heaps.heaps[1].blocks, 10U);
  EXPECT_EQ(heaps.heaps[2].name, "heap-3");
  const Said fewer = step();
  ASSERT_EQ(fewer.heaps.size(), 2U);
  expect_as_said(read(), fewer);
}

INSTANTIATE_TEST_SUITE_P(Reader, Heaps, testing::Values("", "numa_fake=2", "slob", "harden", "record=/dev/null"),
                         [](const auto& info) {
                           const std::string mode = info.param;
                           return mode.empty() ? "Default" : mode.substr(0, mode.find_first_of("=_"));
                         });

}  // namespace
