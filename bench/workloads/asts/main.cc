// A compiler: syntax trees in an arena, beside them names, scopes and small arrays in blocks of their own.
// Idea: the front ends of clang and rustc. Nodes come one after the other from an arena whose chunks double from 4
// KiB to 1 MiB, and go all at once at the end of a translation unit; names are interned in a hash table that grows;
// each function has scopes and lists of instructions that grow and go when it is translated; the code is a buffer
// that grows. Shows chunks of many sizes that come and go together, while small blocks churn between them.
//   --threads N   (default 1)

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    for (Block& chunk : chunks_) std::free(chunk.data);  // whose contents are nodes now
  }

  void* take(std::size_t size) {
    if (size > left_) grow();
    left_ -= size;
    return std::exchange(next_, next_ + size);
  }

 private:
  void grow() {
    left_ = std::min(std::size_t{4096} << std::min<std::size_t>(chunks_.size() / 4, 8), std::size_t{1} << 20);
    Block chunk;
    chunk.fill(left_);
    chunks_.push_back(chunk);
    next_ = static_cast<char*>(chunk.data);
  }

  std::vector<Block> chunks_;
  char* next_ = nullptr;
  std::size_t left_ = 0;
};

struct Node {
  unsigned what = 0;  // 0: a constant, 1: a name, else an operator
  std::size_t value = 0;
  const std::string* name = nullptr;
  Node* left = nullptr;
  Node* right = nullptr;
};

struct Instruction {
  unsigned what;
  std::size_t operand;
};

class Unit {
 public:
  explicit Unit(std::uint64_t seed) : rng_(seed) {}

  void translate_function() {
    scopes_.emplace_back();
    Node* tree = parse(rng_.between(4, 11));
    const std::size_t before = evaluate(tree);
    fold(tree);
    expect(evaluate(tree) == before, "a tree changed");
    std::vector<Instruction> instructions;
    select(tree, instructions);
    for (const Instruction& each : instructions) code_ += mnemonic(each);
    scopes_.pop_back();
  }

  [[nodiscard]] std::size_t size() const { return code_.size(); }

 private:
  const std::string* intern(std::size_t number) {
    std::string name = "identifier_" + std::to_string(number);
    if (number % 3 == 0) name += "_of_a_longer_kind_as_templates_have";
    return &names_.emplace(std::move(name), number).first->first;
  }

  Node* parse(std::size_t depth) {
    auto* const node = new (arena_.take(sizeof(Node))) Node;
    if (depth == 0 || rng_.one_in(12)) {
      node->what = static_cast<unsigned>(rng_.below(2));
      node->value = rng_.below(1000);
      if (node->what == 1) declare(*node);
      return node;
    }
    node->what = static_cast<unsigned>(rng_.between(2, 4));
    node->left = parse(depth - 1);
    node->right = parse(depth - 1);
    return node;
  }

  void declare(Node& node) {
    node.name = intern(rng_.skewed(1, 4096));
    scopes_.back()[node.name].push_back(&node);
  }

  static std::size_t evaluate(const Node* node) {
    if (node->what < 2) return node->value;
    const std::size_t left = evaluate(node->left), right = evaluate(node->right);
    return node->what == 2 ? left + right : node->what == 3 ? left * right : left ^ right;
  }

  // An operator of two constants becomes one.
  void fold(Node*& node) {
    if (node->what < 2) return;
    fold(node->left);
    fold(node->right);
    if (node->left->what != 0 || node->right->what != 0) return;
    const std::size_t value = evaluate(node);
    node = new (arena_.take(sizeof(Node))) Node;
    node->value = value;
  }

  static void select(const Node* node, std::vector<Instruction>& instructions) {
    if (node->what >= 2) {
      select(node->left, instructions);
      select(node->right, instructions);
    }
    instructions.push_back({node->what, node->value});
  }

  static std::string mnemonic(const Instruction& instruction) {
    static constexpr const char* kNames[] = {"  push $", "  load ", "  add ", "  mul ", "  xor "};
    return kNames[instruction.what] + std::to_string(instruction.operand) + "\n";
  }

  Rng rng_;
  Arena arena_;
  std::unordered_map<std::string, std::size_t> names_;
  std::vector<std::unordered_map<const std::string*, std::vector<Node*>>> scopes_;
  std::string code_;
};

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 1);
  const std::size_t units = args.scaled(300) / threads + 1;
  args.finish();
  run_threads(threads, [=](std::size_t index) {
    for (std::size_t n = 0; n < units; ++n) {
      Unit unit(index * 1000 + n);
      for (std::size_t function = 0; function < 200; ++function) unit.translate_function();
      expect(unit.size() != 0, "no code");
    }
  });
}
