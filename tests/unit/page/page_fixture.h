// What the tests of the page layer share: a zone in its first state over the fake os, and a look at its free blocks.
#pragma once

#include <gtest/gtest.h>

#include "fake_os/fake_os.h"
#include "page/zone.h"

namespace ashlar::page {

inline constexpr std::uint32_t kArenaPages = 8192;  // the first arenas: one block of the largest order

// Defaults that let nothing be purged unless a test wants it.
class PageTest : public testing::Test {
 public:
  using Run = page::Run;  // not testing::Test::Run

  // Moves the never-used rest of the last arena into the free areas.
  static void settle();

 protected:
  PageTest();
  ~PageTest() override;

  // A first arena of the usual size, all of it never used but for a run that took it whole.
  static void make_untouched_arena();

  // A first arena, all of it in the free areas: what is split and merged then follows from the buddy's rules alone.
  static void make_settled_arena();

  // A block of the zone, taken under its lock.
  static Page* take(unsigned order);
  static Page* take(unsigned order, std::uint32_t& dirty);
  static void give(Page* block, std::uint32_t offset, std::uint32_t count);
  static void touch(Page* block, std::uint32_t offset, std::uint32_t count, bool dirty = true);
  static ZoneCounts zone_counts() { return page::counts(); }

  fake_os::State& os_;
};

// Purges the zone until at most `target` pages are dirty. Returns the pages that were purged.
inline std::size_t purge_zone(std::size_t target = 0, std::uint64_t min_age_ms = 0) {
  return normal_zone.purge(PageCount(target), AgeMs(min_age_ms)).raw;
}

// Expects all rules of the layer to hold. Returns the free pages of each arena, as bits.
std::vector<std::vector<bool>> expect_sound_zone();

// Everything is free and, once it is purged, in blocks as large as the arenas allow.
void expect_all_coalesced();

}  // namespace ashlar::page
