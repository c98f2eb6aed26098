// Tests a program with swap areas that is read from outside while it waits: the reader's figures equal the program's.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "look.h"

namespace {

using namespace ashlar::reader;
using namespace ashlar_test;

class Swap : public testing::Test {
 protected:
  void SetUp() override {
    char made[] = "reader-swap-XXXXXX";
    ASSERT_NE(mkdtemp(made), nullptr);
    folder_ = std::filesystem::absolute(made);
    child_ = std::make_unique<Child>(std::vector<std::string>{SWAPPED, folder_}, "");
    child_->wait_until_ready();
  }
  void TearDown() override {
    child_.reset();
    std::filesystem::remove_all(folder_);
  }

  // What the program says of the area of an index is what the reader finds.
  static void expect_same(const Model& model, const Said& said, std::size_t i) {
    const std::string number = std::to_string(i);
    EXPECT_EQ(model.swap_areas.at(i).used, said.addresses.at("used" + number));
    EXPECT_EQ(model.swap_areas.at(i).backed, said.addresses.at("backed" + number));
    EXPECT_EQ(model.swap_areas.at(i).bytes(), said.addresses.at("size" + number));
  }

  std::string folder_;
  std::unique_ptr<Child> child_;
};

TEST_F(Swap, FiguresEqualWhatTheProgramKnows) {
  const Look before = look(child_->pid());
  ASSERT_EQ(before.model.swap_areas.size(), 2u);
  for (const SwapArea& area : before.model.swap_areas) {
    EXPECT_TRUE(area.on);
    EXPECT_EQ(area.used, 0u);
  }
  EXPECT_EQ(before.model.swap_areas[0].path, folder_ + "/first");
  EXPECT_EQ(before.model.swap_areas[0].priority, 7);
  EXPECT_EQ(before.model.swap_areas[1].path, folder_ + "/second area\\\n\xff");
  EXPECT_EQ(before.model.swap_areas[1].priority, -1);
  EXPECT_EQ(before.model.swap_areas[1].bytes(), std::uint64_t{32} << 20);

  child_->step();
  const Said full = child_->wait_until_ready();
  const Look now = look(child_->pid());
  EXPECT_FALSE(now.model.approximate);
  ASSERT_EQ(full.addresses.at("used0"), (std::uint64_t{51} << 20) + 4096);
  ASSERT_EQ(full.addresses.at("used1"), std::uint64_t{25} << 20);
  for (const std::size_t i : {0, 1}) expect_same(now.model, full, i);
  expect_covered(now.model);
  const Arena* const arena = now.model.arena_at(full.addresses.at("block"));
  ASSERT_NE(arena, nullptr);
  EXPECT_EQ(now.model.zones[arena->zone].name, "Swap0");

  child_->step();
  const Said less = child_->wait_until_ready();
  const Look half = look(child_->pid());
  EXPECT_EQ(less.addresses.at("used0"), (std::uint64_t{21} << 20) + 4096);
  for (const std::size_t i : {0, 1}) expect_same(half.model, less, i);

  child_->step();
  const Said off = child_->wait_until_ready();
  const Look last = look(child_->pid());
  ASSERT_EQ(last.model.swap_areas.size(), 2u);
  EXPECT_TRUE(last.model.swap_areas[0].on);
  EXPECT_FALSE(last.model.swap_areas[1].on);
  expect_same(last.model, off, 0);
}

// A process of which a range is swapped out by the kernel, which few machines do when a test wants it.
class SwappedOut final : public Source {
 public:
  SwappedOut(int pid, Range range) : process_(Source::live(pid)), out_(range) { copy_mappings(); }
  [[nodiscard]] bool is_core() const override { return process_->is_core(); }
  [[nodiscard]] pid_t pid() const override { return process_->pid(); }
  [[nodiscard]] std::string name() const override { return process_->name(); }
  [[nodiscard]] std::string title() const override { return process_->title(); }
  [[nodiscard]] std::string identity() const override { return process_->identity(); }
  [[nodiscard]] std::uint64_t entry() const override { return process_->entry(); }
  void refresh() override {
    process_->refresh();
    copy_mappings();
  }
  void read_all(std::span<Piece> pieces) override { process_->read_all(pieces); }
  [[nodiscard]] bool pages(Range range, std::vector<PageStretch>& into) override {
    const std::uint64_t from = std::clamp(out_.start, range.start, range.end);
    const std::uint64_t to = std::clamp(out_.end, range.start, range.end);
    if (!process_->pages({range.start, from}, into)) return false;
    if (from < to) into.push_back({{from, to}, PageStretch::State::kSwapped});
    return process_->pages({to, range.end}, into);
  }
  void contents(Range range, std::vector<Range>& into) override { process_->contents(range, into); }
  [[nodiscard]] std::vector<ThreadState> threads() override { return process_->threads(); }

 private:
  void copy_mappings() {
    mappings_ = process_->mappings();
    for (Mapping& mapping : mappings_) {
      if (mapping.contains(out_.start)) mapping.swap += out_.bytes();
    }
  }

  std::unique_ptr<Source> process_;
  Range out_;
};

TEST_F(Swap, WhatTheKernelSwappedOutIsCountedApartFromAreas) {
  child_->step();
  child_->wait_until_ready();
  const Look before = look(child_->pid());
  constexpr std::uint64_t kBytes = 64 << 10;
  const std::uint64_t start = before.model.arenas.at(0).range.start;
  ASSERT_EQ(before.model.zones[before.model.arenas[0].zone].name, "Normal");
  SwappedOut source(child_->pid(), {start, start + kBytes});
  const Model model = read_model(source);
  const Split split = split_rss(source, model);
  ASSERT_TRUE(split.known);
  EXPECT_EQ(split.swapped, kBytes);
  EXPECT_EQ(split.process_swap, kBytes);
  EXPECT_EQ(before.split.swapped, 0u);
  EXPECT_LT(split.attributed(), before.split.attributed()) << "it is in no sum";
  EXPECT_GE(split.attributed() + kBytes, before.split.attributed());
  EXPECT_EQ(model.swap_sum().used, (std::uint64_t{76} << 20) + 4096);
}

}  // namespace
