#include "page/page_fixture.h"

#include <new>

namespace ashlar::page {

PageTest::PageTest() : os_(fake_os::state()) {
  fake_os::reset();
  options = Options{};
  options.memcg = 0;
  options.dirty_min = std::uint64_t{1} << 40;
  new (&normal_zone) Zone;
  for (Arena& arena : arenas) arena = {};
  for (auto& offset : root.offset) offset = 0;
  pages_outside = 0;
}

PageTest::~PageTest() {
  for (const std::string& error : os_.errors) ADD_FAILURE() << error;
}

Page* PageTest::take(unsigned order, std::uint32_t& dirty) {
  const Guard guard(normal_zone.lock);
  Page* const block = normal_zone.take(Order(order));
  if (block == nullptr) return nullptr;
  const Arena& arena = arena_of(block);
  dirty = arena.count_dirty(arena.index_of(block), static_cast<std::uint32_t>(Order(order).pages().raw));
  return block;
}

Page* PageTest::take(unsigned order) {
  std::uint32_t dirty = 0;
  return take(order, dirty);
}

void PageTest::settle() {
  for (Arena& arena : arenas) {
    if (arena.pages == 0) return;
    const Guard guard(normal_zone.lock);
    if (normal_zone.take_range(arena, arena.pages - 1, 1)) normal_zone.give(arena, arena.pages - 1, 1);
  }
}

void PageTest::make_settled_arena() {
  give(take(0), 0, 1);
  settle();
}

void PageTest::give(Page* block, std::uint32_t offset, std::uint32_t count) {
  const Guard guard(normal_zone.lock);
  Arena& arena = arena_of(block);
  normal_zone.give(arena, arena.index_of(block) + offset, count);
}

void PageTest::touch(Page* block, std::uint32_t offset, std::uint32_t count, bool dirty) {
  const Guard guard(normal_zone.lock);
  Arena& arena = arena_of(block);
  arena.set_dirty(arena.index_of(block) + offset, count, dirty);
}

namespace {

struct Sums {
  std::size_t free = 0, dirty = 0, blocks = 0;
};

void check_block(Arena& arena, std::uint32_t index, std::vector<bool>& free, Sums& sums) {
  const Page& head = arena.descriptors[index];
  const auto pages = static_cast<std::uint32_t>(head.order.pages().raw);
  ASSERT_LE(head.order, kMaxOrder);
  ASSERT_EQ(index % pages, 0u) << "a block off its alignment at page " << index;
  ASSERT_LE(index + pages, arena.pages);
  ASSERT_EQ(&arena_of(&head), &arena);
  ASSERT_EQ(head.free_block.dirty_pages, arena.count_dirty(index, pages)) << "at page " << index;
  const std::uint32_t buddy = index ^ pages;
  if (head.order < kMaxOrder && buddy + pages <= arena.pages) {
    const Page& other = arena.descriptors[buddy];
    ASSERT_FALSE(other.state == PageState::kFree && other.order == head.order) << "not merged at page " << index;
  }
  for (std::uint32_t page = index; page < index + pages; ++page) {
    ASSERT_FALSE(free[page]) << "two free blocks hold page " << page;
    free[page] = true;
  }
  sums.free += pages;
  sums.dirty += head.free_block.dirty_pages;
  ++sums.blocks;
}

// Free pages in no block: the end of the last arena, which was never used.
void mark_rest(std::vector<bool>& free, std::size_t pages) {
  ASSERT_LE(pages, free.size());
  for (std::size_t page = free.size() - pages; page < free.size(); ++page) {
    ASSERT_FALSE(free[page]) << "page " << page << " is counted twice";
    free[page] = true;
  }
}

}  // namespace

std::vector<std::vector<bool>> expect_sound_zone() {
  std::vector<std::vector<bool>> all;
  Sums sums;
  for (Arena& arena : arenas) {
    if (arena.pages == 0) break;
    std::vector<bool> free(arena.pages);
    for (std::uint32_t index = 0; index < arena.pages; ++index) {
      if (arena.descriptors[index].state == PageState::kFree) check_block(arena, index, free, sums);
    }
    all.push_back(std::move(free));
  }
  const ZoneCounts n = counts();
  EXPECT_GE(n.free.raw, sums.free);
  if (n.free.raw > sums.free && !all.empty()) mark_rest(all.back(), n.free.raw - sums.free);
  EXPECT_EQ(n.dirty_free.raw, sums.dirty);
  EXPECT_EQ(n.free_blocks, sums.blocks);
  return all;
}

void expect_all_coalesced() {
  PageTest::settle();
  expect_sound_zone();
  const ZoneCounts n = counts();
  EXPECT_EQ(n.live().raw, 0u);
  std::uint64_t wanted = 0;
  for (const Arena& arena : arenas) wanted += arena.pages / kArenaPages + (arena.pages % kArenaPages != 0 ? 1 : 0);
  EXPECT_EQ(n.free_blocks, wanted) << "the free pages are not merged into the largest blocks";
}

}  // namespace ashlar::page
