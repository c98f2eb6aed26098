// os: tests NUMA as far as every machine has it: lists of nodes, and the nodes of this machine.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "os/os.h"
#include "os/proc.h"

namespace ashlar::os {
namespace {

std::vector<unsigned> parsed(std::string_view text, unsigned most = kMaxNodes) {
  std::uint16_t numbers[kMaxNodes];
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
  EXPECT_EQ(parsed("0-99999999999999999999999").size(), kMaxNodes);
  EXPECT_EQ(parsed("0-9", 4), (List{0, 1, 2, 3}));
  EXPECT_EQ(parsed("1024"), (List{}));
}

// Where the kernel was built without NUMA, or sysfs is hidden, there is nothing to be told.
bool sysfs_tells() { return access("/sys/devices/system/node/has_memory", R_OK) == 0; }

// Container runtimes forbid these calls, or a kernel has none. Asked for nothing, they succeed everywhere else.
bool forbidden(long call) {
  return syscall(call, nullptr, 0L, 0L, nullptr, 0L, 0L) != 0 && (errno == EPERM || errno == ENOSYS);
}

TEST(Nodes, ThisThreadRunsOnOneThatIsNearItself) {
  std::uint16_t numbers[kMaxNodes];
  std::uint8_t distances[kMaxNodes];
  const unsigned n = memory_nodes(numbers, kMaxNodes);
  EXPECT_EQ(n != 0, sysfs_tells());
  EXPECT_GE(current_node(), 0);
  if (n == 0) return;
  ASSERT_TRUE(node_distances(numbers[0], numbers, distances, n));
  EXPECT_EQ(distances[0], 10) << "the distance to itself (ACPI SLIT)";
}

TEST(Nodes, APageIsOnTheNodeThatIsPreferredForIt) {
  std::uint16_t numbers[kMaxNodes] = {};  // node 0 is there always
  const unsigned n = memory_nodes(numbers, kMaxNodes);
  const int last = n != 0 ? numbers[n - 1] : 0;
  const std::size_t bytes = 4 * page_bytes();
  void* const p = map(bytes);
  const bool may_prefer = !forbidden(SYS_mbind), may_ask = !forbidden(SYS_get_mempolicy);
  errno = 0;
  EXPECT_EQ(prefer_node(p, bytes, last), may_prefer);
  if (may_prefer || n < 2) {  // else it is on any node
    EXPECT_EQ(node_of_page(p), may_ask ? last : -1);
  }
  EXPECT_FALSE(prefer_node(p, bytes, 1000)) << "a node that does not exist, or a call that is refused";
  EXPECT_EQ(errno, 0);
  unmap(p, bytes);
}

}  // namespace
}  // namespace ashlar::os
