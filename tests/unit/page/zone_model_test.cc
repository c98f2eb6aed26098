// page: compares a zone's buddy with a model of two bits per page (in use, dirty), by random takes, partial frees and
// ranges.
#include <random>

#include "page/page_fixture.h"

namespace ashlar::page {
namespace {

struct Piece {
  std::uint16_t arena;
  std::uint32_t first, count;
};

class ZoneModelTest : public PageTest, public testing::WithParamInterface<unsigned> {
 protected:
  ZoneModelTest() {
    if (GetParam() % 2 == 0) make_settled_arena();  // else blocks come from the rest of an arena at first
  }

  std::size_t pick(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }

  void grow_model(std::uint16_t arena) {
    while (used_.size() <= arena) {
      used_.emplace_back(arenas[used_.size()].pages);
      dirty_.emplace_back(used_.back().size());
    }
  }

  void enter(Piece piece) {
    grow_model(piece.arena);
    for (std::uint32_t page = piece.first; page < piece.first + piece.count; ++page) {
      ASSERT_FALSE(used_[piece.arena][page]) << "page " << page << " was handed out twice";
      used_[piece.arena][page] = true;
    }
    live_ += piece.count;
    pieces_.push_back(piece);
  }

  void take_some() {
    const auto order = static_cast<unsigned>(pick(4) != 0 ? pick(5) : pick(11));
    std::uint32_t dirty = 0;
    Page* const block = take(order, dirty);
    ASSERT_NE(block, nullptr);
    const Piece piece{block->arena, arena_of(block).index_of(block).raw,
                      static_cast<std::uint32_t>(Order(order).pages().raw)};
    enter(piece);
    std::uint32_t wanted = 0;
    for (std::uint32_t page = piece.first; page < piece.first + piece.count; ++page)
      wanted += dirty_[piece.arena][page] ? 1 : 0;
    ASSERT_EQ(dirty, wanted) << "of the block taken";
  }

  void give_some() {
    if (pieces_.empty()) return;
    const std::size_t at = pick(pieces_.size());
    Piece& piece = pieces_[at];
    // all of it, or a part at one of its ends
    const auto count = static_cast<std::uint32_t>(pick(3) == 0 ? 1 + pick(piece.count) : piece.count);
    const bool tail = pick(2) == 0;
    const std::uint32_t first = tail ? piece.first + piece.count - count : piece.first;
    const auto touched = static_cast<std::uint32_t>(pick(count + 1));
    {
      const Guard guard(normal_zone.lock);
      Arena& arena = arenas[piece.arena];
      arena.set_dirty(PageIndex(first), touched, true);
      normal_zone.free_range(arena, PageIndex(first), count);
    }
    for (std::uint32_t page = first; page < first + count; ++page) {
      used_[piece.arena][page] = false;
      if (page < first + touched) dirty_[piece.arena][page] = true;
    }
    live_ -= count;
    piece.count -= count;
    if (!tail) piece.first += count;
    if (piece.count == 0) {
      piece = pieces_.back();
      pieces_.pop_back();
    }
  }

  void take_a_range() {
    if (pieces_.empty()) return;
    const Piece near = pieces_[pick(pieces_.size())];
    const std::uint32_t first = near.first + near.count;
    const auto count = static_cast<std::uint32_t>(1 + pick(40));
    bool free = first + count <= used_[near.arena].size();
    for (std::uint32_t page = first; free && page < first + count; ++page) free = !used_[near.arena][page];
    bool taken = false;
    {
      const Guard guard(normal_zone.lock);
      taken = normal_zone.take_range(arenas[near.arena], PageIndex(first), count);
    }
    ASSERT_EQ(taken, free);
    if (taken) enter({near.arena, first, count});
  }

  void purge_some() {
    const std::size_t before = zone_counts().dirty_free.raw;
    const std::size_t target = before / 2;
    os_.purges.clear();
    const std::size_t gone = purge_zone(target);
    EXPECT_EQ(zone_counts().dirty_free.raw, before - gone);
    EXPECT_LE(zone_counts().dirty_free.raw, target);
    for (const fake_os::Range range : os_.purges) purge_model(range);
  }

  void purge_model(fake_os::Range range) {
    const PageId first(range.start >> kPageShift);
    const Page* const page = descriptor_of(first);
    ASSERT_NE(page, nullptr);
    for (std::uint16_t a = 0; a < used_.size(); ++a) {
      if (range.start < arenas[a].base || range.start >= arenas[a].address_of(arenas[a].end())) continue;
      const auto index = static_cast<std::uint32_t>((range.start - arenas[a].base) >> kPageShift);
      for (std::uint32_t p = index; p < index + (range.bytes >> kPageShift); ++p) {
        ASSERT_FALSE(used_[a][p]) << "page " << p << " is in use and was purged";
        dirty_[a][p] = false;
      }
    }
  }

  void compare() {
    for (std::uint16_t arena = 0; arenas[arena].pages != 0; ++arena) grow_model(arena);
    const auto free = expect_sound_zone();
    std::size_t dirty_free = 0, present = 0;
    for (std::size_t a = 0; a < used_.size(); ++a) {
      for (std::size_t page = 0; page < used_[a].size(); ++page) {
        ASSERT_NE(free[a][page], used_[a][page]) << "arena " << a << " page " << page;
        dirty_free += !used_[a][page] && dirty_[a][page] ? 1 : 0;
      }
      present += used_[a].size();
    }
    const ZoneCounts n = zone_counts();
    ASSERT_EQ(n.present.raw, present);
    ASSERT_EQ(n.live().raw, live_);
    ASSERT_EQ(n.dirty_free.raw, dirty_free);
  }

  std::mt19937 random_{GetParam()};
  std::vector<std::vector<bool>> used_, dirty_;
  std::vector<Piece> pieces_;
  std::size_t live_ = 0;
};

TEST_P(ZoneModelTest, RandomOperationsKeepPagesApartAndCountsExact) {
  for (int step = 0; step < 6000 && !HasFatalFailure(); ++step) {
    // phases of growing and of shrinking
    const bool growing = step / 1000 % 2 == 0;
    const std::size_t dice = pick(100);
    if (dice < (growing ? 55u : 30u)) take_some();
    else if (dice < 90) give_some();
    else if (dice < 99) take_a_range();
    else purge_some();
    os_.now_ms += pick(3);
    if (step % 250 == 0) compare();
  }
  compare();
  while (!pieces_.empty()) give_some();
  compare();
  expect_all_coalesced();
  purge_zone();
  EXPECT_EQ(zone_counts().dirty_free.raw, 0u);
  expect_all_coalesced();
}

INSTANTIATE_TEST_SUITE_P(Seeds, ZoneModelTest, testing::Range(1u, 7u));

}  // namespace
}  // namespace ashlar::page
