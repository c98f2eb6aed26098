// Tree building and tear-down.
// Idea: GCBench (Ellis, Kovac, Boehm) and the "binary-trees" program of the Computer Language Benchmarks Game. Many
// short-lived full binary trees of growing depth are built and destroyed beside one long-lived tree. Search trees with
// keys of varying length are then filled in random order and emptied. Shows how fast linked structures are laid out,
// walked and returned, depth first.
//   --threads N   each builds its own trees (default 1)

#include <bit>

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

struct Node {
  Node* left = nullptr;
  Node* right = nullptr;
};

Node* build(std::size_t depth) {
  if (depth == 0) return new Node;
  Node* left = build(depth - 1);
  return new Node{left, build(depth - 1)};
}

std::size_t tear_down(Node* node) {
  if (node == nullptr) return 0;
  const std::size_t below = tear_down(node->left) + tear_down(node->right);
  delete node;
  return below + 1;
}

void full_trees(std::size_t budget) {
  constexpr std::size_t kDeepest = 16;
  Node* long_lived = build(kDeepest + 1);
  for (std::size_t depth = 4; depth <= kDeepest; depth += 4) {
    const std::size_t nodes = (std::size_t{2} << depth) - 1;
    for (std::size_t built = 0; built < budget; built += nodes) {
      expect(tear_down(build(depth)) == nodes, "a tree lost nodes");
    }
  }
  expect(tear_down(long_lived) == (std::size_t{4} << kDeepest) - 1, "the long-lived tree lost nodes");
}

// A node of a search tree, with the key's text in a block of its own.
struct Entry {
  Entry* child[2] = {nullptr, nullptr};
  std::uint64_t key = 0;
  Block text;
};

void insert(Entry** at, std::uint64_t key, std::size_t length) {
  while (*at != nullptr) {
    if ((*at)->key == key) return (*at)->text.replace(length);
    at = &(*at)->child[key > (*at)->key];
  }
  *at = new Entry;
  (*at)->key = key;
  (*at)->text.fill(length);
}

void drop(Entry* entry) {
  if (entry == nullptr) return;
  drop(entry->child[0]);
  drop(entry->child[1]);
  entry->text.drop();
  delete entry;
}

void search_trees(Rng& rng, std::size_t rounds) {
  for (std::size_t round = 0; round < rounds; ++round) {
    Entry* root = nullptr;
    for (std::size_t i = 0; i < 2000; ++i) insert(&root, rng.below(5000), rng.between(1, 200));
    drop(root);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 1);
  const std::size_t budget = args.scaled(10'000'000) / threads;
  const std::size_t rounds = args.scaled(1600) / threads;
  args.finish();
  run_threads(threads, [=](std::size_t index) {
    Rng rng(index + 5);
    full_trees(budget);
    search_trees(rng, rounds);
  });
}
