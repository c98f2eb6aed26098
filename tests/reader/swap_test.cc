// Tests a program with swap areas that is read from outside while it waits: the reader's figures equal the program's.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

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

}  // namespace
