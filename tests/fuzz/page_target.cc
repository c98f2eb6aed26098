// Fuzz target: compares the page layer over the fake of the os layer with a map of intervals. It uses slabs, runs,
// resizing, look-ups of blocks, reclaim and time, while the system refuses some calls. No page of it exists.
#include <sys/mman.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "fuzz/input.h"
#include "page/store.h"
#include "unit/page/page_fixture.h"

namespace ashlar::page {
namespace {

using ashlar_test::Input;

struct Block {
  size_t pages;
  Page* slab;  // null for a run
};

// Restores the layer's first state, except its clocks, which only rise.
class Pages : public PageTest {
 public:
  explicit Pages(Input& input) : input_(input) {
    os_.now_ms = clock;
    options.dirty_min = input_.take(1) % 4 == 0 ? std::uint64_t{1} << 40 : input_.size(22);
    options.decay_ms = input_.size(12);
    options.purge = input_.take(1) % 2 == 0 ? PurgeMode::kDontNeed : PurgeMode::kFree;
  }
  ~Pages() override {
    clock = os_.now_ms + 1;
    for (const std::string& error : os_.errors) fprintf(stderr, "%s\n", error.c_str());
    FUZZ_EXPECT(os_.errors.empty());
    store.next = store.end = store.mapped = 0;
    store.newest = nullptr;
    fake_os::drop_mapped();
  }

  void run() {
    while (!input_.empty()) step();
    expect_sound_zone();
    os_.refuse_purge = false;
    while (!blocks_.empty()) give_back(blocks_.begin());
    expect_all_coalesced();
    reclaim_all();
    FUZZ_EXPECT(counts().live().raw == 0 && counts().dirty_free.raw == 0);
    release_reservation();
  }

 private:
  void TestBody() override {}

  void step() {
    os_.purges.clear();
    const size_t way = input_.take(1) % 32;
    if (way < 7) take_run();
    else if (way < 13) take_slab();
    else if (way < 22) {
      if (const auto it = pick(); it != blocks_.end()) give_back(it);
    } else if (way < 27) resize();
    else if (way == 27) look_around();
    else if (way == 28) change_the_system();
    else if (way == 29) os_.now_ms += input_.size(14);
    else if (way == 30) reclaim_tick();
    else if (input_.take(1) % 4 == 0) expect_sound_zone();
    else reclaim_all();
    expect_live_kept();
    FUZZ_EXPECT(counts().live().raw == live_);
  }

  std::map<std::uintptr_t, Block>::iterator pick() {
    if (blocks_.empty()) return blocks_.end();
    return std::next(blocks_.begin(), static_cast<long>(input_.below(256) % blocks_.size()));
  }

  void enter(std::uintptr_t first, Block block) {
    const auto behind = blocks_.lower_bound(first);
    FUZZ_EXPECT(behind == blocks_.end() || first + block.pages <= behind->first);
    FUZZ_EXPECT(behind == blocks_.begin() || std::prev(behind)->first + std::prev(behind)->second.pages <= first);
    FUZZ_EXPECT(fake_os::is_committed(first << kPageShift, block.pages << kPageShift));
    blocks_[first] = block;
    live_ += block.pages;
  }

  void take_run() {
    const size_t pages = 1 + input_.size(13) % kMaxRun.raw, alignment = kPageBytes << input_.take(1) % 10;
    const PageTest::Run run = alloc_run(local_node(), PageCount(pages), alignment);
    if (!run) return;
    FUZZ_EXPECT(run.count.raw == pages && run.first.address() % alignment == 0);
    enter(run.first.raw, {pages, nullptr});
  }

  void take_slab() {
    const Order order(static_cast<unsigned>(input_.below(9)));
    Page* const slab = alloc_slab_pages(local_node(), order);
    if (slab == nullptr) return;
    FUZZ_EXPECT(page_address(slab) % order.bytes() == 0);
    enter(page_address(slab) >> kPageShift, {order.pages().raw, slab});
  }

  void give_back(std::map<std::uintptr_t, Block>::iterator it) {
    const auto [first, block] = *it;
    blocks_.erase(it);
    live_ -= block.pages;
    if (block.slab != nullptr) free_slab_pages(block.slab, PageCount(input_.below(block.pages + 1)));
    else FUZZ_EXPECT(free_run(PageId(first)));
  }

  void resize() {
    const auto it = pick();
    if (it == blocks_.end() || it->second.slab != nullptr) return;
    const auto [first, old] = *it;
    const size_t pages = 1 + input_.size(13) % (2 * old.pages);
    if (!resize_run(PageId(first), PageCount(pages))) {
      FUZZ_EXPECT(pages > old.pages);  // shrinking always succeeds
      if (const PageTest::Run run = alloc_growing_run(local_node(), PageCount(pages))) {
        FUZZ_EXPECT(run.count.raw == pages);
        enter(run.first.raw, {pages, nullptr});
      }
      return;
    }
    blocks_.erase(it);
    live_ -= old.pages;
    enter(first, {pages, nullptr});
  }

  // Looks up a page of a block, or beside it. Runs are found from each of their pages, and from no other page.
  void look_around() {
    const auto it = pick();
    if (it == blocks_.end()) return;
    const std::uintptr_t page = it->first + input_.size(13);
    const auto behind = blocks_.upper_bound(page);
    const auto [first, block] = *std::prev(behind);
    const bool in_run = page < first + block.pages && block.slab == nullptr;
    const PageTest::Run around = find_run_around(PageId(page)), exact = find_run(PageId(page));
    FUZZ_EXPECT(static_cast<bool>(around) == in_run && static_cast<bool>(exact) == (in_run && page == first));
    if (in_run) FUZZ_EXPECT(around.first.raw == first && around.count.raw == block.pages);
    if (!exact) FUZZ_EXPECT(!free_run(PageId(page)));
  }

  void change_the_system() {
    const size_t bits = input_.take(1);
    os_.commit_budget = bits % 4 == 0 ? input_.size(24) << kPageShift : SIZE_MAX;
    os_.largest_reserve = bits / 4 % 4 == 0 ? size_t{1} << (20 + input_.below(12)) : SIZE_MAX;
    os_.refuse_purge = bits / 16 % 4 == 0;
    os_.map_budget = bits / 64 == 0 ? 0 : SIZE_MAX;
    os_.skew = bits % 8 == 7 ? input_.below(512) << kPageShift : 0;
  }

  void expect_live_kept() const {
    for (const fake_os::Range range : os_.purges) {
      const std::uintptr_t start = range.start >> kPageShift, end = (range.start + range.bytes) >> kPageShift;
      const auto behind = blocks_.lower_bound(end);
      FUZZ_EXPECT(behind == blocks_.begin() || std::prev(behind)->first + std::prev(behind)->second.pages <= start);
    }
  }

  static std::uint64_t clock;
  Input& input_;
  std::map<std::uintptr_t, Block> blocks_;
  size_t live_ = 0;
};

std::uint64_t Pages::clock = 1000;

}  // namespace
}  // namespace ashlar::page

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  testing::GTEST_FLAG(break_on_failure) = true;  // the fixture's expectations are GoogleTest's
  return ashlar_test::run_target<ashlar::page::Pages>(data, size);
}
