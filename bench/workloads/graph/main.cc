// A graph is loaded and then only read.
// Idea: the loaders of graph databases and of route planners. Edges come in random order. Each vertex has an array of
// its neighbours that grows by a half, so that arrays of all sizes are moved and freed until all edges are loaded.
// Attributes are small blocks of their own. The breadth-first searches that follow allocate only their queues. At scale
// 1 about 1 GiB is live. Shows growth in which only outgrown arrays are freed, what these leave behind, and the
// locality of reads.
//   --threads N   that search (default 1)

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

struct Vertex {
  std::uint32_t* neighbours = nullptr;
  std::uint32_t count = 0, room = 0;
  Block attributes;

  void add(std::uint32_t other) {
    if (count == room) {
      room = room < 4 ? room + 2 : room + room / 2;
      auto* const grown = static_cast<std::uint32_t*>(std::realloc(neighbours, room * sizeof *neighbours));
      expect(grown != nullptr, "realloc returned NULL");
      neighbours = grown;
    }
    neighbours[count++] = other;
  }
};

// Few vertices have most of the edges, as in networks of people and of roads.
std::uint32_t pick(Rng& rng, std::size_t vertices) {
  const std::size_t bound = rng.one_in(2) ? vertices : rng.one_in(2) ? vertices / 16 + 1 : vertices / 256 + 1;
  return static_cast<std::uint32_t>(rng.below(bound));
}

void load(std::vector<Vertex>& graph, std::size_t edges) {
  Rng rng(7);
  for (Vertex& vertex : graph) {
    if (rng.one_in(2)) vertex.attributes.fill(rng.skewed(8, 128));
  }
  for (std::size_t i = 0; i < edges; ++i) {
    const std::uint32_t from = pick(rng, graph.size()), to = pick(rng, graph.size());
    graph[from].add(to);
    graph[to].add(from);
  }
}

// Returns the number of vertices that can be reached in this many steps.
std::size_t search(const std::vector<Vertex>& graph, std::uint32_t start, unsigned steps) {
  std::vector<bool> seen(graph.size());
  std::vector<std::uint32_t> now{start}, next;
  seen[start] = true;
  std::size_t reached = 1;
  for (; steps > 0 && !now.empty(); --steps) {
    for (const std::uint32_t at : now) {
      for (std::uint32_t i = 0; i < graph[at].count; ++i) {
        const std::uint32_t to = graph[at].neighbours[i];
        if (seen[to]) continue;
        seen[to] = true;
        next.push_back(to);
      }
    }
    reached += next.size();
    now.swap(next);
    next.clear();
  }
  return reached;
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 1);
  const std::size_t vertices = args.scaled(4'000'000), edges = vertices * 16;
  args.finish();
  std::vector<Vertex> graph(vertices);
  load(graph, edges);
  run_threads(threads, [&](std::size_t index) {
    Rng rng(index);
    for (unsigned i = 0; i < 2; ++i) {
      const auto start = static_cast<std::uint32_t>(rng.below(vertices));
      expect(search(graph, start, 3) > 0, "nothing is reached");
    }
  });
  for (Vertex& vertex : graph) {
    std::free(vertex.neighbours);
    vertex.attributes.drop();
  }
}
