// page: the table of nodes, see the header.
#include "page/nodes.h"

#include <new>

#include "base/hints.h"
#include "page/zone.h"

namespace ashlar::page {

constinit Nodes nodes;
[[ASHLAR_SPARSE]] constinit MoreNodes more_nodes;

namespace {

constinit Node node0{NodeId(0), normal_zone};

constexpr std::uint8_t kNear = 10, kFar = 20;  // the kernel's LOCAL_DISTANCE and REMOTE_DISTANCE

// What prepare_nodes found, the first node's number foremost.
struct Found {
  unsigned count = 0;
  std::uint16_t numbers[kMaxNodes] = {};
};

Found find_fake() {
  Found found;
  found.count = static_cast<unsigned>(options.numa_fake);
  for (unsigned i = 0; i < found.count; ++i) found.numbers[i] = static_cast<std::uint16_t>(i);
  return found;
}

// The kernel's nodes. The one that this process's first page lies on goes to the front.
Found find_real() {
  Found found;
  found.count = os::memory_nodes(found.numbers, kMaxNodes);
  // a process that was given a policy (set_mempolicy(2), numactl) keeps it
  if (found.count < 2 || !os::has_default_policy()) return {};
  const int first = arenas[0].pages != 0 ? os::node_of_page(reinterpret_cast<void*>(arenas[0].base)) : -1;
  const int home = first >= 0 ? first : os::current_node();
  for (unsigned i = 1; i < found.count; ++i) {
    if (found.numbers[i] != home) continue;
    for (; i > 0; --i) found.numbers[i] = found.numbers[i - 1];
    found.numbers[0] = static_cast<std::uint16_t>(home);
    break;
  }
  return found;
}

// Sorts all nodes by their distance from one, itself first. Equally far ones start with the number that follows its
// own, so that not all nodes fall back on the same one.
void sort_by_distance(unsigned from, const std::uint8_t* distances, unsigned count, NodeId* order) {
  for (unsigned i = 0; i < count; ++i) {
    const unsigned node = (from + i) % count;
    unsigned at = i;
    for (; at > 1 && distances[order[at - 1].raw] > distances[node]; --at) order[at] = order[at - 1];
    order[at] = NodeId(node);
  }
}

bool build(const Found& found, unsigned i) {
  Zone* zone = &normal_zone;
  Node* node = &node0;
  if (i > 0) {
    void* const for_zone = metadata_alloc(sizeof(Zone), alignof(Zone));
    void* const for_node = metadata_alloc(sizeof(Node), alignof(Node));
    if (for_zone == nullptr || for_node == nullptr) return false;
    zone = new (for_zone) Zone;
    node = more_nodes.by_id[i] = new (for_node) Node{.id = NodeId(i), .normal = *zone};
  }
  auto* const order = static_cast<NodeId*>(metadata_alloc(found.count * sizeof(NodeId), alignof(NodeId)));
  if (order == nullptr) return false;
  std::uint8_t distances[kMaxNodes];
  if (nodes_are_fake() || !os::node_distances(found.numbers[i], found.numbers, distances, found.count)) {
    for (unsigned j = 0; j < found.count; ++j) distances[j] = i == j ? kNear : kFar;
  }
  sort_by_distance(i, distances, found.count, order);
  node->number = found.numbers[i];
  node->zonelist = order;
  for_zones_of(*node, [&](Zone& each) { each.settle_on(node->id, nodes_are_fake() ? -1 : node->number); });
  return true;
}

}  // namespace

bool nodes_are_fake() { return options.numa_fake > 1; }

[[ASHLAR_ALWAYS_RUN]] Node& node_at(NodeId id) { return id.raw == 0 ? node0 : *more_nodes.by_id[id.raw]; }

Node* node_by_number(int number) {
  for (unsigned i = 0; i < node_count(); ++i) {
    if (node_at(NodeId(i)).number == number) return &node_at(NodeId(i));
  }
  return nullptr;
}

[[ASHLAR_ALWAYS_RUN]] Node& local_node() {
  if (node_count() == 1 || nodes_are_fake()) return node0;
  Node* const node = node_by_number(os::current_node());
  return node != nullptr ? *node : node0;  // null: a node without memory of its own
}

[[ASHLAR_ALWAYS_RUN]] NodeId node_for_new_thread() {
  if (node_count() == 1) return {};
  if (!nodes_are_fake()) return local_node().id;
  return NodeId(nodes.next_fake.fetch_add(1, std::memory_order_relaxed) % node_count());
}

[[ASHLAR_ALWAYS_RUN]] NodeId node_for_thread(NodeId before) { return nodes_are_fake() ? before : local_node().id; }

[[ASHLAR_ALWAYS_RUN]] NodeId node_of(const Page* page) { return arena_of(page).node; }

int node_number_of(const void* p) {
  if (descriptor_of(PageId::of(p)) == nullptr) return -1;  // class_of does not check an address's range
  if (class_of(p).raw != 0) return node_at(node_of(slab_of(p))).number;
  const Arena* const arena = arena_around(PageId::of(p));
  return arena != nullptr ? node_at(arena->node).number : -1;
}

const char* zone_name_of(const void* p) {
  const Arena* const arena = arena_around(PageId::of(p));
  return arena == nullptr ? nullptr : arena->zone->huge ? "Huge" : "Normal";
}

[[ASHLAR_ALWAYS_RUN]] bool nodes_are_due(std::size_t heaps) {
  if (nodes.search.load(std::memory_order_relaxed) != NodeSearch::kDue) return false;
  return options.numa_fake != 0 || (heaps > 0 && options.numa != 0);
}

unsigned prepare_nodes() {
  NodeSearch due = NodeSearch::kDue;
  if (!nodes.search.compare_exchange_strong(due, NodeSearch::kUnderWay, std::memory_order_relaxed)) return 1;
  const Found found = options.numa_fake != 0 ? find_fake() : find_real();
  unsigned n = 1;
  if (found.count > 1) {
    while (n < found.count && build(found, n)) ++n;
    if (n < found.count || !build(found, 0)) n = 1;
  }
  nodes.search.store(NodeSearch::kDone, std::memory_order_relaxed);
  return n;
}

void publish_nodes(unsigned n) {
  nodes.published.store(n - 1, std::memory_order_release);  // pairs with the acquire in node_count
}

void reset_nodes_in_child() {
  // the thread that was looking is not in this process
  if (nodes.search.load(std::memory_order_relaxed) == NodeSearch::kUnderWay)
    nodes.search.store(NodeSearch::kDue, std::memory_order_relaxed);
}

}  // namespace ashlar::page
