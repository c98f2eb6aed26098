// page: NUMA nodes. A node has a zone, and a second one for huge pages where those are on; threads take memory from
// their own node first, then from the others, the nearest first (the kernel's zonelist).
//
//   node_at(id) ──► Node { id, its zone, the kernel's number, the ids of all nodes by distance from it }
//
// Every process starts with one node, number 0 here, and keeps one on a machine with one. Whether there are more is
// looked up when the second thread gets a heap (`look_for_nodes` in heap/threads.cc), since the kernel's first touch
// takes a single thread's pages from its own node. What that thread had until then becomes the memory of node 0, which
// stands for the node that its first page lies on.
//
// Locking: the table is written before the number of nodes is published, and never changes after that.
#pragma once

#include <atomic>

#include "os/os.h"
#include "page/descriptor.h"

namespace ashlar::page {

class Zone;

inline constexpr unsigned kMaxNodes = os::kMaxNodes;

struct Node {
  NodeId id;
  Zone& normal;
  std::atomic<Zone*> huge{nullptr};  // made on demand (huge.cc); from then on constant
  int number = 0;                    // the kernel's; nodes made by numa_fake are numbered from 0
  const NodeId* zonelist = nullptr;  // all nodes, this one first; null while there is but one
};

enum class NodeSearch : std::uint8_t { kDue, kUnderWay, kDone };

struct Nodes {
  // Release in publish_nodes, acquire in node_count: a thread that sees the number sees the table.
  std::atomic<unsigned> published{0};  // less one, so that it starts as zero
  // Relaxed: the first thread looks, the others go on without; `published` publishes what it finds.
  std::atomic<NodeSearch> search{NodeSearch::kDue};
  std::atomic<unsigned> next_fake{0};  // relaxed: a turn is taken once, nothing is published with it
};
extern constinit Nodes nodes;

// Nodes 1 and up, apart from what every process touches. Written before Nodes::published, see there.
struct MoreNodes {
  Node* by_id[kMaxNodes] = {};
};
extern constinit MoreNodes more_nodes;

[[gnu::always_inline]] inline unsigned node_count() { return nodes.published.load(std::memory_order_acquire) + 1; }

// The node of an id below node_count().
Node& node_at(NodeId id);

// The node with the kernel's number, or null.
Node* node_by_number(int number);

// The node on which the calling thread runs now. Nodes made by numa_fake have no processors: then the first one.
Node& local_node();

// The node for a thread that gets a heap: where it runs, or with numa_fake the next in turn; and the same later, for
// threads that the scheduler moves.
NodeId node_for_new_thread();
NodeId node_for_thread(NodeId before);

// True when the nodes are numa_fake's.
bool nodes_are_fake();

// The node of a slab or a run, by its descriptor, which must be one of an arena's block.
NodeId node_of(const Page* page);

// The kernel's number of the node that p's page is on; -1 if p lies in no arena.
int node_number_of(const void* p);

// The name of the zone that p's page is in; null if p lies in no arena.
const char* zone_name_of(const void* p);

// The other nodes by distance, with `visit` called for each until it returns true; true if one did.
template <class Visit>
bool for_other_nodes(const Node& node, Visit visit) {
  for (unsigned i = 1, n = node_count(); i < n; ++i) {
    if (visit(node_at(node.zonelist[i]))) return true;
  }
  return false;
}

// True when the time has come to look for more nodes: `heaps` threads have a heap, and one more wants one.
bool nodes_are_due(std::size_t heaps);

// Looks for nodes, once, and builds all that this layer needs for them. Returns their number; 1 if there is no other
// one, and while another thread is looking. May call the system; no lock may be held.
unsigned prepare_nodes();

// Makes them visible, with a lock held that fork takes as well.
void publish_nodes(unsigned n);

}  // namespace ashlar::page
