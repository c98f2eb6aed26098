// page: compares an arena's dirty bits with a vector of bool, over all kinds of ranges that cross words.
#include "page/page_fixture.h"

namespace ashlar::page {
namespace {

constexpr std::uint32_t kPages = 200;  // three words and a bit

struct Bits {
  Bits() {
    arena.dirty = words;
    arena.pages = 256;
  }
  std::uint64_t words[4] = {};
  Arena arena;
};

TEST(DirtyBits, SettingAndClearingARangeChangesThatRangeAlone) {
  for (std::uint32_t first = 0; first < kPages; ++first) {
    for (std::uint32_t count = 0; first + count <= kPages; ++count) {
      for (const bool value : {true, false}) {
        Bits bits;
        if (!value) bits.arena.set_dirty(PageIndex(0), 256, true);
        bits.arena.set_dirty(PageIndex(first), count, value);
        for (std::uint32_t page = 0; page < 256; page += page < first || page >= first + count ? 7 : 1) {
          const bool inside = page >= first && page < first + count;
          ASSERT_EQ((bits.words[page / 64] >> page % 64 & 1) != 0, inside == value) << first << "+" << count;
        }
        ASSERT_EQ(bits.arena.count_dirty(PageIndex(0), 256), value ? count : 256 - count);
      }
    }
  }
}

TEST(DirtyBits, CountingARangeCountsItsOnesAlone) {
  Bits bits;
  std::vector<bool> model(256);
  for (std::uint32_t page = 0; page < 256; ++page) {
    model[page] = page % 3 == 0 || (page > 60 && page < 70) || page >= 128;
    bits.arena.set_dirty(PageIndex(page), 1, model[page]);
  }
  for (std::uint32_t first = 0; first < 256; ++first) {
    std::uint32_t wanted = 0;
    for (std::uint32_t count = 0; first + count <= 256; ++count) {
      ASSERT_EQ(bits.arena.count_dirty(PageIndex(first), count), wanted) << first << "+" << count;
      if (first + count < 256) wanted += model[first + count] ? 1 : 0;
    }
  }
}

TEST(DirtyBits, FindGivesTheFirstBitOfAValueOrTheEnd) {
  for (std::uint32_t at = 0; at < kPages; ++at) {
    for (const bool value : {true, false}) {
      Bits bits;
      bits.arena.set_dirty(PageIndex(0), 256, !value);
      bits.arena.set_dirty(PageIndex(at), 1, value);
      for (std::uint32_t from = 0; from <= kPages; from += 3) {
        for (const std::uint32_t end : {from, at, at + 1, kPages}) {
          if (end < from) continue;
          const std::uint32_t wanted = at >= from && at < end ? at : end;
          ASSERT_EQ(bits.arena.find(PageIndex(from), PageIndex(end), value).raw, wanted)
              << "bit " << at << " in [" << from << ", " << end << ")";
        }
      }
    }
  }
}

}  // namespace
}  // namespace ashlar::page
