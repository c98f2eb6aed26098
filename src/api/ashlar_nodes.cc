// api: the functions of include/ashlar/nodes.h.
#define ASHLAR_ADDRESS_ONLY(parameter)  // GCC wants it of all callees, or warns
#include "ashlar/nodes.h"

#include <cerrno>

#include "heap/heap.h"
#include "heap/kernel_api.h"

namespace heap = ashlar::heap;
namespace os = ashlar::os;
namespace page = ashlar::page;

int ashlar_node_count() noexcept {
  heap::find_nodes();
  return static_cast<int>(page::node_count());
}

int ashlar_current_node() noexcept {
  heap::find_nodes();
  return heap::own_node().number;
}

int ashlar_node_of(const void* address) noexcept {
  const int node = heap::node_number_of(address);
  if (node >= 0) return node;
  const void* start = nullptr;
  std::size_t bytes = 0;
  if (!heap::find_area_around(address, start, bytes)) {
    errno = EFAULT;
    return -1;
  }
  if (page::node_count() == 1) return page::local_node().number;
  // a mapping of its own is in no zone: each of its pages is on the node that touched it first
  const int told = page::nodes_are_fake() ? -1 : os::node_of_page(address);
  if (told < 0) errno = ENODATA;
  return told;
}
