// os: NUMA, as far as any machine has it: lists of nodes, and the nodes of this one.
#include <gtest/gtest.h>

#include <vector>

#include "os/os.h"
#include "os/proc.h"

namespace ashlar::os {
namespace {

std::vector<unsigned> parsed(std::string_view text, unsigned most = kMostNodes) {
  std::uint16_t numbers[kMostNodes];
  const unsigned n = parse_node_list(text, numbers, most);
  return {numbers, numbers + n};
}

using List = std::vector<unsigned>;

TEST(NodeList, IsReadAsTheKernelWritesIt) {
  EXPECT_EQ(parsed("0\n"), (List{0}));
  EXPECT_EQ(parsed("0-3\n"), (List{0, 1, 2, 3}));
  EXPECT_EQ(parsed("0,2-3,8\n"), (List{0, 2, 3, 8}));
  EXPECT_EQ(parsed("0-1,1023\n"), (List{0, 1, 1023}));
}

TEST(NodeList, EndsWhereItCannotBeRead) {
  EXPECT_EQ(parsed(""), (List{}));
  EXPECT_EQ(parsed("\n"), (List{}));
  EXPECT_EQ(parsed("x"), (List{}));
  EXPECT_EQ(parsed("1,"), (List{1}));
  EXPECT_EQ(parsed("1,x"), (List{1}));
  EXPECT_EQ(parsed("1-"), (List{}));
  EXPECT_EQ(parsed("3-1,5"), (List{5}));
  EXPECT_EQ(parsed("0-99999999999999999999999").size(), kMostNodes);
  EXPECT_EQ(parsed("0-9", 4), (List{0, 1, 2, 3}));
  EXPECT_EQ(parsed("1024"), (List{}));
}

TEST(Nodes, ThisThreadRunsOnOneThatIsNearItself) {
  std::uint16_t numbers[kMostNodes];
  const unsigned n = memory_nodes(numbers, kMostNodes);
  if (n == 0) GTEST_SKIP() << "no /sys/devices/system/node";
  std::uint8_t distances[kMostNodes];
  ASSERT_TRUE(node_distances(numbers[0], numbers, distances, n));
  EXPECT_EQ(distances[0], 10) << "the distance to itself (ACPI SLIT)";
  EXPECT_GE(current_node(), 0);
}

TEST(Nodes, APageIsOnTheNodeThatIsPreferredForIt) {
  std::uint16_t numbers[kMostNodes];
  const unsigned n = memory_nodes(numbers, kMostNodes);
  if (n == 0) GTEST_SKIP() << "no /sys/devices/system/node";
  const std::size_t bytes = 4 * page_bytes();
  void* const p = map(bytes);
  if (!prefer_node(p, bytes, numbers[n - 1])) GTEST_SKIP() << "mbind is refused here";
  const int node = node_of_page(p);
  if (node < 0) GTEST_SKIP() << "get_mempolicy is refused here";
  EXPECT_EQ(node, numbers[n - 1]);
  errno = 0;
  EXPECT_FALSE(prefer_node(p, bytes, 1000)) << "a node that does not exist";
  EXPECT_EQ(errno, 0);
  unmap(p, bytes);
}

}  // namespace
}  // namespace ashlar::os
