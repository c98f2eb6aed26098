// Shared by the tests of the page layer: a zone in its first state over the fake os, and a view of its free blocks.
#pragma once

#include <gtest/gtest.h>

#include "fake_os/fake_os.h"
#include "page/zone.h"

namespace ashlar::page {

inline constexpr std::uint32_t kArenaPages = 8192;  // of each of the first arenas: one block of the largest order

// Defaults under which nothing is purged unless a test asks for it.
class PageTest : public testing::Test {
 public:
  using Run = page::Run;  // not testing::Test::Run

  // Moves the never-used rest of the last arena into the free areas.
  static void settle();

 protected:
  PageTest();
  ~PageTest() override;

  // Makes a first arena of the usual size. All of it is never used, except for a run that took it whole.
  static void make_untouched_arena();

  // Makes a first arena, all of it in the free areas. Splits and merges then follow from the buddy's rules alone.
  static void make_settled_arena();

  // Takes a block of the zone under its lock.
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

// Expects everything to be free and, after a purge, in blocks as large as the arenas allow.
void expect_all_coalesced();

}  // namespace ashlar::page
