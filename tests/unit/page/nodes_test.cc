// page: tests how nodes are found and ordered, whose memory is in a node's zone, and which operations cover all nodes.
#include <gmock/gmock.h>

#include "page/page_fixture.h"
#include "page/reclaim.h"

namespace ashlar::page {
namespace {

using testing::ElementsAre;

std::vector<int> fallbacks(NodeId node) {
  std::vector<int> numbers{node_at(node).number};
  for_other_nodes(node_at(node), [&](const Node& other) {
    numbers.push_back(other.number);
    return false;
  });
  return numbers;
}

class NodesTest : public PageTest {
 protected:
  static unsigned find() {
    const unsigned n = prepare_nodes();
    publish_nodes(n);
    return n;
  }
  static unsigned fake(unsigned n) {
    options.numa_fake = n;
    return find();
  }
  static Run alloc(unsigned node, std::size_t pages, Fallback fallback = Fallback::kZonelist) {
    return alloc_run(node_at(NodeId(node)), PageCount(pages), kPageBytes, fallback);
  }
  static unsigned node_of_run(const Run& run) { return node_of(descriptor_of(run.first)).raw; }
};

TEST_F(NodesTest, AMachineWithOneNodeHasOne) {
  os_.nodes = {0};
  EXPECT_EQ(find(), 1u);
  EXPECT_EQ(node_count(), 1u);
  alloc(0, 1);
  EXPECT_TRUE(os_.preferred.empty());
}

TEST_F(NodesTest, SoHasOneWhoseKernelTellsNothing) { EXPECT_EQ(find(), 1u); }

TEST_F(NodesTest, AProcessWithAPolicyOfItsOwnKeepsIt) {
  os_.nodes = {0, 1};
  os_.has_policy = true;
  EXPECT_EQ(find(), 1u);
}

TEST_F(NodesTest, TheyAreLookedForOnceAndWhenDue) {
  os_.nodes = {0, 1};
  EXPECT_FALSE(nodes_are_due(0)) << "one thread's pages come from its node without us";
  EXPECT_TRUE(nodes_are_due(1));
  options.numa = 0;
  EXPECT_FALSE(nodes_are_due(1));
  options.numa_fake = 2;
  EXPECT_TRUE(nodes_are_due(0));
  options.numa_fake = 0;
  EXPECT_EQ(find(), 2u);
  EXPECT_FALSE(nodes_are_due(1));
  EXPECT_EQ(prepare_nodes(), 1u);
}

TEST_F(NodesTest, OthersFollowByDistanceAndOfEquallyFarOnesThoseBehindInTurn) {
  os_.nodes = {0, 1, 4, 7};
  os_.distances = {{10, 30, 20, 20}, {30, 10, 20, 20}, {20, 20, 10, 40}, {20, 20, 40, 10}};
  ASSERT_EQ(find(), 4u);
  EXPECT_THAT(fallbacks(NodeId(0)), ElementsAre(0, 4, 7, 1));
  EXPECT_THAT(fallbacks(NodeId(1)), ElementsAre(1, 4, 7, 0));
  EXPECT_THAT(fallbacks(NodeId(2)), ElementsAre(4, 0, 1, 7));
  EXPECT_THAT(fallbacks(NodeId(3)), ElementsAre(7, 0, 1, 4));
  EXPECT_EQ(node_by_number(7), &node_at(NodeId(3)));
  EXPECT_EQ(node_by_number(2), nullptr);
}

TEST_F(NodesTest, WithoutDistancesAllOthersAreEquallyFar) {
  os_.nodes = {0, 1, 2, 3};
  ASSERT_EQ(find(), 4u);
  EXPECT_THAT(fallbacks(NodeId(0)), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(fallbacks(NodeId(2)), ElementsAre(2, 3, 0, 1));
}

TEST_F(NodesTest, TheFirstThreadsMemoryBelongsToTheNodeItLiesOnAndNewArenasToTheirs) {
  alloc(0, 1);
  const fake_os::Range first = os_.commits.back();
  EXPECT_TRUE(os_.preferred.empty());
  os_.nodes = {0, 3};
  os_.first_page_node = 3;
  ASSERT_EQ(find(), 2u);
  EXPECT_EQ(node_at(NodeId(0)).number, 3);
  ASSERT_EQ(os_.preferred.size(), 1u);
  EXPECT_EQ(os_.preferred[0].range, first);
  EXPECT_EQ(os_.preferred[0].node, 3);
  alloc(1, 1);
  ASSERT_EQ(os_.preferred.size(), 2u);
  EXPECT_EQ(os_.preferred[1].range, os_.commits.back());
  EXPECT_EQ(os_.preferred[1].node, 0);
}

TEST_F(NodesTest, AThreadIsOnTheNodeThatTheKernelSays) {
  os_.nodes = {0, 1};
  ASSERT_EQ(find(), 2u);
  os_.current_node = 1;
  EXPECT_EQ(local_node().number, 1);
  EXPECT_EQ(node_for_new_thread(), local_node().id);
  os_.current_node = 0;
  EXPECT_EQ(node_for_thread(NodeId(1)), NodeId(0)) << "the scheduler moved it";
  os_.current_node = 9;
  EXPECT_EQ(local_node().id, NodeId(0)) << "a node without memory";
}

TEST_F(NodesTest, FakeNodesAreGivenToThreadsInTurnAndBindNothing) {
  ASSERT_EQ(fake(3), 3u);
  for (unsigned i = 0; i < 6; ++i) EXPECT_EQ(node_for_new_thread(), NodeId(i % 3));
  EXPECT_EQ(node_for_thread(NodeId(2)), NodeId(2));
  for (unsigned i = 0; i < 3; ++i) alloc(i, 1);
  EXPECT_TRUE(os_.preferred.empty());
}

class FakeNodesTest : public NodesTest, public testing::WithParamInterface<unsigned> {
 protected:
  FakeNodesTest() { EXPECT_EQ(fake(GetParam()), GetParam()); }
  unsigned nodes() const { return GetParam(); }
};
INSTANTIATE_TEST_SUITE_P(Of, FakeNodesTest, testing::Values(1, 2, 4, 64));

TEST_P(FakeNodesTest, EachNodesPagesComeFromAndGoBackToItsZone) {
  for (unsigned i = 0; i < nodes(); ++i) {
    const Run run = alloc(i, 5 + i);
    Page* const slab = alloc_slab_pages(node_at(NodeId(i)), Order(2));
    EXPECT_EQ(node_of_run(run), i);
    EXPECT_EQ(node_of(slab).raw, i);
    EXPECT_EQ(node_number_of(run.first.pointer()), static_cast<int>(i));
    EXPECT_EQ(counts(NodeId(i)).live().raw, 9 + i);
    free_run(run.first);
    free_slab_pages(slab, PageCount(4));
    EXPECT_EQ(counts(NodeId(i)).live().raw, 0u);
    EXPECT_EQ(counts(NodeId(i)).dirty_free.raw, 9 + i);
  }
  EXPECT_EQ(counts().arenas, nodes());
  EXPECT_EQ(arena_table.count, nodes());
}

TEST_P(FakeNodesTest, ANodeWithoutMemoryFallsBackOnTheNextThatHasSome) {
  for (unsigned i = 0; i < nodes(); ++i) free_run(alloc(i, 8000).first);
  os_.commit_budget = 0;
  for (unsigned i = 0; i < nodes(); ++i) {
    const Run run = alloc(0, 8000);
    ASSERT_TRUE(run);
    EXPECT_EQ(node_of_run(run), i) << "own node first, then in the order of the zonelist";
  }
  EXPECT_FALSE(alloc(0, 8000)) << "no node has any";
  EXPECT_EQ(alloc_slab_pages(node_at(NodeId(0)), kMaxOrder), nullptr);
}

TEST_P(FakeNodesTest, ThisNodeMeansThisNode) {
  for (unsigned i = 0; i < nodes(); ++i) free_run(alloc(i, 8000).first);
  os_.commit_budget = 0;
  EXPECT_EQ(node_of_run(alloc(0, 8000, Fallback::kThisNode)), 0u);
  EXPECT_FALSE(alloc(0, 8000, Fallback::kThisNode));
  EXPECT_EQ(alloc_slab_pages(node_at(NodeId(0)), Order(12), Fallback::kThisNode), nullptr);
}

TEST_P(FakeNodesTest, ReclaimGoesOverAllNodes) {
  for (unsigned i = 0; i < nodes(); ++i) free_run(alloc(i, 100).first);
  EXPECT_EQ(counts().dirty_free.raw, 100 * nodes());
  os_.now_ms += options.decay_ms + 1000;
  for (unsigned i = 0; i <= 100 * nodes() / 1024; ++i) {  // a step at a time
    reclaim_tick();
    os_.now_ms += 2;
  }
  EXPECT_EQ(counts().dirty_free.raw, 0u) << "by age";
  for (unsigned i = 0; i < nodes(); ++i) free_run(alloc(i, 100).first);
  EXPECT_EQ(purge_all(PageCount(50)).raw, 100 * nodes() - 50);
  EXPECT_EQ(counts().dirty_free.raw, 50u) << "to a target for all of them";
  EXPECT_TRUE(reclaim_all());
  EXPECT_EQ(counts().dirty_free.raw, 0u);
  release_reservation();
  EXPECT_FALSE(release_reservation());
}

TEST_P(FakeNodesTest, TheCgroupsLimitIsOneForAllNodes) {
  options.memcg = 1;
  os_.memory_limit = 256_MiB;
  std::size_t mib = 0;
  for (unsigned i = 0; alloc(i % nodes(), 256); ++i) ++mib;
  EXPECT_EQ(mib, 224u) << "the limit less 32 MiB, wherever it lies";
  EXPECT_TRUE(over_memory_limit(PageCount(256)));
}

TEST_P(FakeNodesTest, HintsAreOfAllNodes) {
  std::vector<Run> runs;
  for (unsigned i = 0; i < nodes(); ++i) runs.push_back(alloc(i, 1000));
  EXPECT_EQ(live_hint().raw, 1000 * nodes());
  EXPECT_FALSE(far_below_peak());
  for (const Run& run : runs) free_run(run.first);
  EXPECT_EQ(live_hint().raw, 0u);
  EXPECT_TRUE(far_below_peak());
}

TEST_P(FakeNodesTest, AForkTakesEveryLockAndTheChildGoesOn) {
  for (unsigned i = 0; i < nodes(); ++i) free_run(alloc(i, 100).first);
  lock_for_fork();
  unlock_in_parent();
  for (unsigned i = 0; i < nodes(); ++i) EXPECT_TRUE(alloc(i, 100));
  lock_for_fork();
  reset_in_child();
  for (unsigned i = 0; i < nodes(); ++i) EXPECT_EQ(node_of_run(alloc(i, 100)), i);
}

}  // namespace
}  // namespace ashlar::page
