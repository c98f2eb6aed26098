// page: compares the whole layer with a map of intervals, by runs, slabs, resizing and reclaim. The system refuses some
// of the calls.
#include <map>
#include <random>

#include "page/page_fixture.h"

namespace ashlar::page {
namespace {

struct Block {
  std::size_t pages;
  Page* slab;  // null: a run
};

class RunModelTest : public PageTest, public testing::WithParamInterface<unsigned> {
 protected:
  RunModelTest() { options.dirty_min = 2_MiB; }

  std::size_t pick(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
  std::map<std::uintptr_t, Block>::iterator pick_block() {
    return std::next(blocks_.begin(), static_cast<long>(pick(blocks_.size())));
  }

  void expect_apart(std::uintptr_t first, std::size_t pages) {
    const auto after = blocks_.lower_bound(first);
    if (after != blocks_.end()) {
      ASSERT_LE(first + pages, after->first);
    }
    if (after != blocks_.begin()) {
      const auto& [start, block] = *std::prev(after);
      ASSERT_LE(start + block.pages, first);
    }
    ASSERT_TRUE(fake_os::is_committed(first << kPageShift, pages << kPageShift)) << "not committed";
  }

  void enter(std::uintptr_t first, Block block) {
    expect_apart(first, block.pages);
    blocks_[first] = block;
    live_ += block.pages;
  }

  void alloc() {
    if (pick(2) == 0) {
      const std::size_t pages = pick(20) == 0 ? 1 + pick(kMaxRun.raw) : 1 + pick(200);
      if (const Run run = alloc_run(local_node(), PageCount(pages), kPageBytes << pick(10)))
        enter(run.first.raw, {pages, nullptr});
      return;
    }
    const Order order(static_cast<unsigned>(pick(7)));
    if (Page* const slab = alloc_slab_pages(local_node(), order))
      enter(page_address(slab) >> kPageShift, {order.pages().raw, slab});
  }

  void free_one() {
    if (blocks_.empty()) return;
    const auto it = pick_block();
    const auto [first, block] = *it;
    blocks_.erase(it);
    live_ -= block.pages;
    if (block.slab != nullptr) free_slab_pages(block.slab, PageCount(pick(block.pages + 1)));
    else free_run(PageId(first));
  }

  void resize() {
    if (blocks_.empty()) return;
    auto& [first, block] = *pick_block();
    if (block.slab != nullptr) return;
    const std::size_t pages = 1 + pick(block.pages * 2);
    if (!resize_run(PageId(first), PageCount(pages))) {
      ASSERT_GT(pages, block.pages) << "shrinking always works";
      if (const Run run = alloc_growing_run(local_node(), PageCount(pages))) enter(run.first.raw, {pages, nullptr});
      return;
    }
    const std::uintptr_t start = first;
    live_ += pages - block.pages;
    blocks_.erase(start);
    expect_apart(start, pages);
    blocks_[start] = {pages, nullptr};
  }

  void look() {
    for (const fake_os::Range range : os_.purges) {
      for (const auto& [first, block] : blocks_) {
        const std::uintptr_t start = first << kPageShift;
        ASSERT_TRUE(range.start >= start + (block.pages << kPageShift) || range.start + range.bytes <= start)
            << "a live page was purged";
      }
    }
  }

  std::mt19937 random_{GetParam()};
  std::map<std::uintptr_t, Block> blocks_;
  std::size_t live_ = 0;
};

TEST_P(RunModelTest, BlocksStayApartAndCountsExactWhateverTheSystemSays) {
  for (int step = 0; step < 8000 && !HasFatalFailure(); ++step) {
    os_.commit_budget = pick(8) == 0 ? 0 : SIZE_MAX;
    os_.largest_reserve = pick(4) == 0 ? std::size_t{1} << (20 + pick(12)) : SIZE_MAX;
    os_.refuse_purge = pick(5) == 0;
    os_.purges.clear();
    const std::size_t dice = pick(100);
    if (dice < (step / 1500 % 2 == 0 ? 50u : 25u)) alloc();
    else if (dice < 80) free_one();
    else if (dice < 98) resize();
    else if (dice < 99) reclaim_all();
    else reclaim_tick();
    look();
    os_.now_ms += pick(40);
    ASSERT_EQ(counts().live().raw, live_);
    if (step % 500 == 0) expect_sound_zone();
  }
  while (!blocks_.empty()) free_one();
  expect_all_coalesced();
  os_.refuse_purge = false;
  reclaim_all();
  EXPECT_EQ(counts().dirty_free.raw, 0u);
  expect_all_coalesced();
}

INSTANTIATE_TEST_SUITE_P(Seeds, RunModelTest, testing::Range(1u, 7u));

}  // namespace
}  // namespace ashlar::page
