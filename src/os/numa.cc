// os: NUMA. Sources: the kernel's Documentation/ABI/stable/sysfs-devices-node, mbind(2), get_mempolicy(2), getcpu(2).
#include <linux/mempolicy.h>
#include <sched.h>

#include <cerrno>
#include <cstdint>

#include "os/call.h"
#include "os/os.h"
#include "os/proc.h"

namespace ashlar::os {

namespace {

constexpr unsigned kMaxNumbers = 1024;  // the kernel's MAX_NUMNODES

// Removes a number from the front of the text. Returns false if there is none.
bool take_number(std::string_view& text, std::size_t& out) {
  if (!parse_decimal(text, out)) return false;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') text.remove_prefix(1);
  return true;
}

bool skip(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

unsigned parse_node_list(std::string_view text, std::uint16_t* numbers, unsigned max) {
  unsigned count = 0;
  do {
    std::size_t from = 0;
    if (!take_number(text, from)) break;
    std::size_t to = from;
    if (skip(text, '-') && !take_number(text, to)) break;
    for (; from <= to && from < kMaxNumbers && count < max; ++from) {
      numbers[count++] = static_cast<std::uint16_t>(from);
    }
  } while (skip(text, ','));
  return count;
}

unsigned memory_nodes(std::uint16_t* numbers, unsigned max) {
  if (options.mmap_only != 0) return 0;
  char buffer[512];
  return parse_node_list(read_small_file("/sys/devices/system/node/has_memory", buffer, sizeof buffer), numbers, max);
}

bool node_distances(unsigned from, const std::uint16_t* to, std::uint8_t* distances, unsigned count) {
  char buffer[512];
  std::uint16_t online[kMaxNodes];
  const unsigned all =
      parse_node_list(read_small_file("/sys/devices/system/node/online", buffer, sizeof buffer), online, kMaxNodes);
  Text<80> path;
  path << "/sys/devices/system/node/node" << std::uint64_t{from} << "/distance" << std::string_view("\0", 1);
  std::string_view row = read_small_file(path.view().data(), buffer, sizeof buffer);
  unsigned found = 0;
  // the file has a distance for each node that is online, in the order of their numbers
  for (unsigned i = 0; i < all && found < count; ++i) {
    std::size_t distance = 0;
    while (skip(row, ' ')) {
    }
    if (!take_number(row, distance)) return false;
    for (unsigned j = 0; j < count; ++j) {
      if (to[j] != online[i]) continue;
      distances[j] = static_cast<std::uint8_t>(distance < UINT8_MAX ? distance : UINT8_MAX);
      ++found;
    }
  }
  return found == count;
}

bool has_default_policy() {
  const int saved = errno;
  int mode = MPOL_DEFAULT;
  const bool told = call::number(SYS_get_mempolicy, &mode, nullptr, 0, nullptr, 0) == 0;
  errno = saved;
  return !told || mode == MPOL_DEFAULT || mode == MPOL_LOCAL;
}

int node_of_page(const void* p) {
  if (options.mmap_only != 0) return -1;
  const int saved = errno;
  int node = -1;
  const bool told = call::number(SYS_get_mempolicy, &node, nullptr, 0, p, MPOL_F_NODE | MPOL_F_ADDR) == 0;
  errno = saved;
  return told ? node : -1;
}

bool prefer_node(void* start, std::size_t bytes, int node) {
  const int saved = errno;
  constexpr unsigned kBits = 8 * sizeof(unsigned long);
  unsigned long mask[kMaxNumbers / kBits] = {};
  mask[static_cast<unsigned>(node) / kBits] = 1ul << (static_cast<unsigned>(node) % kBits);
  // the kernel uses one bit less than the number it is given (mbind(2), NOTES of libnuma)
  const bool done = call::number(SYS_mbind, start, bytes, MPOL_PREFERRED, mask, kMaxNumbers + 1, 0) == 0;
  errno = saved;
  return done;
}

}  // namespace ashlar::os
