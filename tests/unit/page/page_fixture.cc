#include "page/page_fixture.h"

#include <bit>

#include "fresh.h"
#include "page/kswapd.h"
#include "page/limit.h"
#include "page/pcp.h"
#include "page/reclaim.h"
#include "page/request.h"

namespace ashlar::page {

namespace {

// Accesses private members, which an explicit instantiation may name ([temp.spec.general]).
struct Rest {
  const Arena* arena;
  PageIndex first, end;
};
Rest rest_of(const Zone& zone);
void free_rest_of(Zone& zone);

template <auto kLast, auto kFirst, auto kEnd, auto kGive>
struct Look {
  friend Rest rest_of(const Zone& zone) { return {zone.*kLast, zone.*kFirst, zone.*kEnd}; }
  friend void free_rest_of(Zone& zone) { (zone.*kGive)(); }
};
template struct Look<&Zone::last_, &Zone::rest_, &Zone::rest_end_, &Zone::free_rest>;

}  // namespace

PageTest::PageTest() : os_(fake_os::state()) {
  fake_os::reset();
  options = Options{};
  options.memcg = 0;
  options.dirty_min = std::uint64_t{1} << 40;
  ashlar_test::make_fresh(normal_zone);
  node_at(NodeId(0)).huge = nullptr;
  ashlar_test::make_fresh(root);
  ashlar_test::make_fresh(limits);
  ashlar_test::make_fresh(reclaim);
  ashlar_test::make_fresh(kswapd);
  ashlar_test::make_fresh(request);
  ashlar_test::make_fresh(answering);
  for (Arena& arena : arenas) arena = {};
  ashlar_test::make_fresh(arena_table);
  ashlar_test::make_fresh(pcp);
  for (auto& list : pcp_lists) list = nullptr;
  ashlar_test::make_fresh(signals);
  // all that was handed out was touched, and nothing else is in the group
  os_.charge = [] { return (counts().live() + counts().dirty_free + PageCount(reclaim.pages_outside)).bytes(); };
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
  const Guard guard(normal_zone.lock);
  free_rest_of(normal_zone);
}

void PageTest::make_untouched_arena() {
  free_run(alloc_run(local_node(), PageCount(kArenaPages), kPageBytes).first);
  purge_zone();
}

void PageTest::make_settled_arena() {
  give(take(kMaxOrder.raw), 0, kArenaPages);
  settle();
}

void PageTest::give(Page* block, std::uint32_t offset, std::uint32_t count) {
  const Guard guard(normal_zone.lock);
  Arena& arena = arena_of(block);
  normal_zone.free_range(arena, arena.index_of(block) + offset, count);
}

void PageTest::touch(Page* block, std::uint32_t offset, std::uint32_t count, bool dirty) {
  const Guard guard(normal_zone.lock);
  Arena& arena = arena_of(block);
  arena.set_dirty(arena.index_of(block) + offset, count, dirty);
}

namespace {

void cover(std::vector<bool>& free, std::uint32_t first, std::uint32_t pages) {
  for (std::uint32_t page = first; page < first + pages; ++page) {
    ASSERT_FALSE(free[page]) << "page " << page << " is free twice";
    free[page] = true;
  }
}

}  // namespace

std::vector<std::vector<bool>> expect_sound_zone() {
  const Broken found = validate();
  EXPECT_FALSE(found) << "broken: " << found.rule;
  pcp_drain();  // runs in lists are in no free area
  std::vector<std::vector<bool>> all;
  const Rest rest = rest_of(normal_zone);
  for (Arena& arena : arenas) {
    if (arena.pages == 0) break;
    std::vector<bool> free(arena.pages);
    for (std::uint32_t index = 0; index < arena.pages; ++index) {
      const Page& head = arena.descriptors[index];
      if (head.state == PageState::kFree) cover(free, index, static_cast<std::uint32_t>(head.order.pages().raw));
      if (head.state == PageState::kExtent) cover(free, index, head.extent.pages);
    }
    if (rest.arena == &arena) cover(free, rest.first.raw, rest.end - rest.first);
    all.push_back(std::move(free));
  }
  return all;
}

void expect_all_coalesced() {
  expect_sound_zone();
  pcp_drain();
  // The remains of former runs go to the buddy here, or join the rest.
  for (int i = 0; i < 3; ++i) purge_zone();
  expect_sound_zone();
  PageTest::settle();
  expect_sound_zone();
  const ZoneCounts n = counts();
  EXPECT_EQ(n.live().raw, 0u);
  std::uint64_t wanted = 0;
  // There is a block for each multiple of the largest order, and one for each power of two of an arena's rest.
  for (const Arena& arena : arenas) {
    wanted += arena.pages / kArenaPages + static_cast<unsigned>(std::popcount(arena.pages % kArenaPages));
  }
  EXPECT_EQ(n.free_blocks, wanted) << "the free pages are not merged into the largest blocks";
}

}  // namespace ashlar::page
