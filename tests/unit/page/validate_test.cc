// page: tests that the violation of each rule of the layer is found. Each test makes one change behind the layer's back
// and undoes it.
#include "broken_rule.h"
#include "page/page_fixture.h"
#include "page/pcp.h"

namespace ashlar::page {

namespace {

// Counts of a zone, private members, as an explicit instantiation may name them ([temp.spec.general]).
struct Counts {
  std::size_t &free, &dirty_free, &present, &isolated_pages;
  std::uint64_t& free_blocks;
  std::uint32_t& rest;
};
Counts counts_of(Zone& zone);

template <auto kFree, auto kDirty, auto kPresent, auto kIsolated, auto kBlocks, auto kRest>
struct Write {
  friend Counts counts_of(Zone& zone) {
    return {(zone.*kFree).raw,     (zone.*kDirty).raw, (zone.*kPresent).raw,
            (zone.*kIsolated).raw, zone.*kBlocks,      (zone.*kRest).raw};
  }
};
template struct Write<&Zone::free_, &Zone::dirty_free_, &Zone::present_, &Zone::isolated_pages_, &Zone::free_blocks_,
                      &Zone::rest_>;

class PageValidateTest : public PageTest {
 protected:
  PageValidateTest() {
    // free: blocks with dirty pages and without, two extents, the rest
    make_settled_arena();
    run_ = alloc_run(local_node(), PageCount(100), kPageBytes);
    behind_ = alloc_run(local_node(), PageCount(7), kPageBytes);
    slab_ = alloc_slab_pages(local_node(), Order(2));
    Page* const block = take(4);
    touch(block, 0, 3);
    give(block, 0, 16);
    free_run(run_.first);
    extent_ = descriptor_of(run_.first);
    for (std::uint32_t i = 0; free_ == nullptr; ++i) {
      if (arenas[0].descriptors[i].state == PageState::kFree) free_ = arenas[0].descriptors + i;
    }
  }

  template <class T, class U>
  static void expect_broken(T& value, U other, std::string_view rule) {
    ashlar_test::expect_broken_by([] { return validate(); }, value, other, rule);
  }

  Run run_, behind_;
  Page *slab_ = nullptr, *extent_ = nullptr, *free_ = nullptr;
};

TEST_F(PageValidateTest, FreeBlocks) {
  expect_broken(free_->order, Order(free_->order.raw - 1u), "");
  expect_broken(free_->order, Order(kMaxOrder.raw + 1u), "a free block is no larger than the largest order");
  expect_broken(free_->free_block.dirty_pages, free_->free_block.dirty_pages + 1,
                "a free block counts its dirty pages");
  expect_broken(free_->arena, 1, "a block's descriptor names its arena");
  expect_broken(free_->state, PageState::kNone, "a block in a free area is free");
  expect_broken(free_->prev, slab_, "the links of a free area lead to and fro");
}

TEST_F(PageValidateTest, DirtyBits) {
  Arena& arena = arenas[0];
  std::uint64_t& word = arena.dirty[arena.index_of(free_).raw / 64];
  expect_broken(word, word ^ std::uint64_t{1} << arena.index_of(free_).raw % 64, "a free block counts its dirty pages");
  std::uint64_t& other = arena.dirty[arena.index_of(extent_).raw / 64];
  expect_broken(other, other ^ std::uint64_t{1} << arena.index_of(extent_).raw % 64,
                "all pages of an extent are dirty");
}

TEST_F(PageValidateTest, Extents) {
  ASSERT_EQ(extent_->state, PageState::kExtent);
  expect_broken(extent_->extent.pages, 99, "an extent ends where its head says");
  expect_broken(extent_->extent.pages, 0, "an extent lies in its arena");
  expect_broken((extent_ + 99)->extent.pages, 50, "an extent ends where its head says");
  expect_broken(extent_->prev, slab_, "the links of extents lead to and fro");
}

TEST_F(PageValidateTest, Rest) {
  make_untouched_arena();
  Arena& arena = arenas[0];
  while (page::counts().arenas < 2) (void)alloc_run(local_node(), PageCount(600), kPageBytes);
  const Arena& last = arenas[arena_table.count - 1];
  const std::uint32_t rest = counts_of(normal_zone).rest;
  ASSERT_LT(rest, last.pages);
  expect_broken(last.dirty[rest / 64], ~std::uint64_t{0}, "no page of the rest is dirty");
  expect_broken(counts_of(normal_zone).rest, rest + 1, "a zone counts its free pages");
  expect_broken(arena.zone, nullptr, "");
}

TEST_F(PageValidateTest, CountsOfAZone) {
  const Counts n = counts_of(normal_zone);
  expect_broken(n.free, n.free + 1, "a zone counts its free pages");
  expect_broken(n.dirty_free, n.dirty_free - 1, "a zone counts its dirty free pages");
  expect_broken(n.present, n.present - 1, "a zone counts its arenas and their pages");
  expect_broken(n.isolated_pages, 1, "the isolated list holds all isolated pages");
  expect_broken(n.free_blocks, n.free_blocks + 1, "the free areas hold all free blocks");
}

TEST_F(PageValidateTest, BlocksInUse) {
  Page* const run = descriptor_of(behind_.first);
  expect_broken(run->run.pages, arenas[0].pages, "what a descriptor heads lies in its arena");
  expect_broken(slab_->state, PageState::kExtentEnd, "the last page of an extent follows its first");
  expect_broken(slab_->state, PageState::kIsolated, "the isolated list holds all isolated pages");
}

TEST_F(PageValidateTest, SectionTable) {
  Section* const section = section_of(arenas[0].base);
  const std::size_t at = page_in_section(page_address(free_));
  expect_broken(section->classes[at], 3, "free pages have no class in the section table");
  expect_broken(section->named[at], 3, "free pages have no class in the section table");
  expect_broken(section->orders[at], kSlobMark, "free pages have no class in the section table");
  Page*& descriptors = section->descriptors[page_in_section(arenas[0].base) / kPagesPerStride];
  expect_broken(descriptors, descriptors + 1, "the section table leads to the descriptors of an arena");
}

TEST_F(PageValidateTest, Arenas) {
  expect_broken(arenas[0].base, arenas[0].base + kPageBytes, "an arena is aligned");
  expect_broken(arenas[0].node, NodeId(1), "an arena lies on the node of its zone");
}

}  // namespace
}  // namespace ashlar::page
