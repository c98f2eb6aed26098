// slab: tests the parts of a cache on several nodes.
#include "slab/slab_fixture.h"
#include "slab/stock.h"

namespace ashlar::slab {
namespace {

class SlabNodesTest : public SlabTest, public testing::WithParamInterface<unsigned> {
 protected:
  SlabNodesTest() { fake_page::set_nodes(GetParam()); }
  static unsigned nodes() { return page::node_count(); }
  static NodeId node_of(const Object* object) { return page::node_of(page::slab_of(object)); }
  static Magazine full(NodeId node) {
    std::vector<Object*> objects;
    while (objects.size() < info_of(kClass).magazine) {
      const auto want = static_cast<std::uint32_t>(info_of(kClass).magazine - objects.size());
      for (Object* const object : objects_of(take(kClass, want, node))) objects.push_back(object);
    }
    return magazine_of(objects);
  }

  static constexpr SizeClass kClass{9};
};
INSTANTIATE_TEST_SUITE_P(Of, SlabNodesTest, testing::Values(1, 2, 4, 64));

TEST_P(SlabNodesTest, ObjectsComeFromTheNodesOwnSlabs) {
  for (unsigned i = 0; i < nodes(); ++i) {
    for (const Object* const object : objects_of(take(kClass, 20, NodeId(i)))) EXPECT_EQ(node_of(object), NodeId(i));
    EXPECT_EQ(counts(kClass, NodeId(i)).slabs, 1u);
  }
  EXPECT_EQ(counts(kClass).slabs, nodes());
}

TEST_P(SlabNodesTest, AMagazineGoesToTheDepotOfItsNodeWhoeverGivesIt) {
  for (unsigned i = 0; i < nodes(); ++i) {
    const Magazine magazine = full(NodeId(i));
    return_to_depot(kClass, magazine, "free()");
    EXPECT_EQ(counts(kClass, NodeId(i)).depot_magazines, 1u);
    EXPECT_EQ(counts(kClass).depot_magazines, i + 1);
  }
  for (unsigned i = nodes(); i-- > 0;) EXPECT_EQ(node_of(take(kClass, 1, NodeId(i)).first), NodeId(i));
}

TEST_P(SlabNodesTest, ObjectsOfManyNodesInOneMagazineEachGoBackToTheirSlabs) {
  std::vector<Object*> mixed;
  for (unsigned round = 0; round < 3; ++round) {
    for (unsigned i = 0; i < nodes(); ++i) {
      for (Object* const object : objects_of(take(kClass, 3, NodeId(i)))) mixed.push_back(object);
    }
  }
  EXPECT_EQ(counts(kClass).out, mixed.size());
  give_objects(kClass, mixed);
  for (unsigned i = 0; i < nodes(); ++i) EXPECT_EQ(counts(kClass, NodeId(i)).out, 0u);
}

// A processor's stock takes a magazine as its first object's node says. What leaves it must find the others' slabs.
TEST_P(SlabNodesTest, ObjectsOfManyNodesInOneMagazineFindTheirSlabsByWayOfAStock) {
  constexpr unsigned kExchangesToBegin = 64;
  fake_page::state().threaded = true;
  const NodeId last(nodes() - 1);
  for (unsigned i = 0; i <= kExchangesToBegin; ++i) return_to_depot(kClass, full(last), "free()");
  ASSERT_TRUE(has_stocks());
  // more than depot and stocks may hold
  std::vector<Magazine> magazines;
  for (std::size_t bytes = 0; bytes < kThreads.bytes * 3; bytes += info_of(kClass).magazine * size_of(kClass)) {
    std::vector<Object*> mixed;
    for (unsigned i = 0; i < nodes(); ++i) {  // the last node's are the first of the magazine
      const std::uint32_t n = info_of(kClass).magazine / nodes();
      for (Object* const object : objects_of(take(kClass, n != 0 ? n : 1, NodeId(i)))) mixed.push_back(object);
    }
    magazines.push_back(magazine_of(mixed));
    ASSERT_EQ(node_of(magazines.back().first), last);
  }
  for (std::size_t i = 0; i < magazines.size(); ++i) {
    return_to_depot(kClass, magazines[i], "free()");
    if (i % 64 != 0) continue;
    const Broken broken = validate(kClass);
    ASSERT_FALSE(broken) << broken.rule;
  }
  shrink();
  for (unsigned i = 0; i < nodes(); ++i) EXPECT_EQ(counts(kClass, NodeId(i)).out, 0u);
  EXPECT_EQ(pages_.live_blocks, 0u);
  forget_stocks();
}

TEST_P(SlabNodesTest, ANodeWithoutPagesTakesFromTheNextsFreeObjectsBeforeItsPages) {
  if (nodes() == 1) return;
  const Magazine of_one = full(NodeId(1));
  return_to_slabs(kClass, of_one, "free()");
  pages_.empty_nodes = 1;
  const std::size_t blocks = pages_.live_blocks;
  const Magazine magazine = take(kClass, 5, NodeId(0));
  ASSERT_TRUE(magazine);
  EXPECT_EQ(node_of(magazine.first), NodeId(1));
  EXPECT_EQ(pages_.live_blocks, blocks);
  EXPECT_EQ(counts(kClass, NodeId(0)).slabs, 0u);
  pages_.empty_nodes = ~std::uint64_t{0} >> (64 - nodes());
  while (take(kClass, 100, NodeId(0))) {
  }
  EXPECT_EQ(counts(kClass).out, counts(kClass).capacity) << "all that there was is out";
}

TEST_P(SlabNodesTest, ShrinkAndReapEmptyAllNodes) {
  std::vector<Magazine> magazines;
  for (unsigned i = 0; i < nodes(); ++i) magazines.push_back(full(NodeId(i)));
  for (const Magazine magazine : magazines) return_to_depot(kClass, magazine, "free()");
  reap();
  EXPECT_EQ(counts(kClass).depot_magazines, nodes());
  reap();
  EXPECT_EQ(counts(kClass).depot_magazines, 0u) << "nobody needed them";
  shrink();
  EXPECT_EQ(counts(kClass).slabs, 0u);
  EXPECT_EQ(pages_.live_blocks, 0u);
}

TEST_P(SlabNodesTest, AForkTakesTheLocksOfAllParts) {
  for (unsigned i = 0; i < nodes(); ++i) take(kClass, 3, NodeId(i));
  lock_for_fork();
  unlock_in_parent();
  lock_for_fork();
  reset_in_child();
  for (unsigned i = 0; i < nodes(); ++i) EXPECT_TRUE(take(kClass, 3, NodeId(i)));
}

TEST_P(SlabNodesTest, WithoutMetadataForItsPartANodeTakesFromTheFirst) {
  if (nodes() == 1) return;
  pages_.metadata_refused = true;
  const Magazine magazine = take(kClass, 5, NodeId(nodes() - 1));
  ASSERT_TRUE(magazine);
  EXPECT_EQ(node_of(magazine.first), NodeId(0));
}

}  // namespace
}  // namespace ashlar::slab
