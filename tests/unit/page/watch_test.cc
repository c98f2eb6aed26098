// page: tests what a layer above is told of free pages: when a watched page is handed out again, and whether the page
// before a run that is being freed is known to be zero.
#include "page/page_fixture.h"

namespace ashlar::page {
namespace {

std::vector<PageId> taken;
std::vector<PageId> asked;
bool answer = true;

std::vector<PageId> damaged;
bool intact = true;

constexpr Watcher kWatcher{[](PageId page) {
                             taken.push_back(page);
                             return intact;
                           },
                           [](PageId page) { damaged.push_back(page); }};

bool note_asked(PageId page) {
  asked.push_back(page);
  return answer;
}

class WatchTest : public PageTest {
 protected:
  WatchTest() {
    make_settled_arena();
    taken.clear();
    asked.clear();
    answer = true;
    damaged.clear();
    intact = true;
    set_watcher(kWatcher);
  }
  static Run alloc(std::size_t pages) { return alloc_run(local_node(), PageCount(pages), kPageBytes); }
  static PageId watched(std::size_t pages) {
    const Run run = alloc(pages);
    EXPECT_EQ(free_watched_run(run.first, note_asked), RunEnd::kDone);
    return run.first;
  }
};

TEST_F(WatchTest, ARunThatTakesAWatchedPageIsTold) {
  const PageId first = watched(40);
  EXPECT_TRUE(taken.empty());
  const Run again = alloc(40);
  ASSERT_EQ(again.first, first) << "the extent fits";
  EXPECT_EQ(taken, std::vector<PageId>{first});
  free_run(again.first);
  alloc(40);
  EXPECT_EQ(taken.size(), 1u) << "only what was given back to be watched";
}

TEST_F(WatchTest, ASlabThatTakesAWatchedPageIsTold) {
  const PageId first = watched(64);
  while (taken.empty()) ASSERT_NE(alloc_slab_pages(local_node(), Order(3)), nullptr);
  EXPECT_EQ(taken, std::vector<PageId>{first});
}

TEST_F(WatchTest, ARunThatGrowsOverAWatchedPageIsTold) {
  const Run run = alloc(64);
  const Run behind = alloc(64);
  ASSERT_EQ(behind.first, run.first + PageCount(64)) << "the case needs neighbours";
  ASSERT_EQ(free_watched_run(behind.first, note_asked), RunEnd::kDone);
  ASSERT_TRUE(resize_run(run.first, PageCount(100)));
  EXPECT_EQ(taken, std::vector<PageId>{behind.first});
}

TEST_F(WatchTest, TheLastEightAreWatched) {
  std::vector<Run> runs(12);
  for (Run& run : runs) {
    run = alloc(3);
    alloc(1);  // a fence, so that each keeps its place
  }
  for (const Run& run : runs) ASSERT_EQ(free_watched_run(run.first, note_asked), RunEnd::kDone);
  for (std::size_t i = 0; i < runs.size(); ++i) alloc(3);
  EXPECT_EQ(taken.size(), 8u);
  for (const PageId page : taken) EXPECT_GE(page, runs[4].first) << "the oldest are forgotten";
}

TEST_F(WatchTest, AWatchedPageCanBeLookedAtUntilItIsTaken) {
  const PageId first = watched(40);
  check_watched();
  EXPECT_EQ(taken, std::vector<PageId>{first});
  EXPECT_TRUE(damaged.empty());
  intact = false;
  check_watched();
  EXPECT_EQ(damaged, std::vector<PageId>{first});
  alloc(40);
  taken.clear();
  check_watched();
  EXPECT_TRUE(taken.empty());
}

TEST_F(WatchTest, ADamagedPageIsToldWithoutTheLockWhenItIsTaken) {
  const PageId first = watched(40);
  intact = false;
  alloc(40);
  EXPECT_EQ(damaged, std::vector<PageId>{first});
  EXPECT_GT(counts().live().raw, 0u) << "counts takes the lock";
}

TEST_F(WatchTest, OnlyAPageThatIsFreeAndCleanIsAskedAbout) {
  const Run low = alloc(64), middle = alloc(64), high = alloc(64);
  ASSERT_EQ(middle.first, low.first + PageCount(64)) << "the case needs neighbours";
  ASSERT_EQ(free_watched_run(middle.first, note_asked), RunEnd::kDone);
  EXPECT_TRUE(asked.empty()) << "the page before was in use";
  ASSERT_EQ(free_watched_run(high.first, note_asked), RunEnd::kDone);
  EXPECT_TRUE(asked.empty()) << "the page before was free, but perhaps resident";
  free_run(low.first);
  reclaim_all();
  const Run upper = alloc_run(local_node(), PageCount(8), 16 * kPageBytes);
  const Run next = alloc_run(local_node(), PageCount(8), 16 * kPageBytes);
  ASSERT_EQ(next.first, upper.first + PageCount(16)) << "a gap of clean pages between them";
  ASSERT_EQ(free_watched_run(next.first, note_asked), RunEnd::kDone);
  EXPECT_EQ(asked, std::vector<PageId>{PageId(next.first.raw - 1)});
}

TEST_F(WatchTest, ARunBehindAPageThatIsNotAsItShouldBeStaysTaken) {
  const Run upper = alloc_run(local_node(), PageCount(8), 16 * kPageBytes);
  const Run next = alloc_run(local_node(), PageCount(8), 16 * kPageBytes);
  answer = false;
  const ZoneCounts before = counts();
  EXPECT_EQ(free_watched_run(next.first, note_asked), RunEnd::kRefused);
  EXPECT_EQ(counts().live(), before.live());
  EXPECT_TRUE(find_run(next.first));
  check_watched();
  EXPECT_TRUE(taken.empty());
  free_run(upper.first);
}

TEST_F(WatchTest, NothingIsAskedWherePagesAreFreedLazily) {
  options.purge = PurgeMode::kFree;
  alloc_run(local_node(), PageCount(8), 16 * kPageBytes);
  const Run next = alloc_run(local_node(), PageCount(8), 16 * kPageBytes);
  EXPECT_EQ(free_watched_run(next.first, note_asked), RunEnd::kDone);
  EXPECT_TRUE(asked.empty()) << "a clean page may still hold its old bytes";
}

TEST_F(WatchTest, WhatStartsNoRunIsNotFreed) {
  EXPECT_EQ(free_watched_run(PageId(12345), note_asked), RunEnd::kNone);
  const Run run = alloc(4);
  EXPECT_EQ(free_watched_run(run.first + PageCount(1), note_asked), RunEnd::kNone);
  free_run(run.first);
  EXPECT_EQ(free_watched_run(run.first, note_asked), RunEnd::kNone);
}

}  // namespace
}  // namespace ashlar::page
