// Fuzz target: compares what base offers to all layers with the standard library: the intrusive list, text in a fixed
// buffer, and the arithmetic of pages and orders.
#include <algorithm>
#include <list>
#include <string>

#include "base/base.h"
#include "base/list.h"
#include "base/text.h"
#include "base/types.h"
#include "fuzz/input.h"

namespace {

using namespace ashlar;
using ashlar_test::Input;

struct Node {
  Node* next = nullptr;
  Node* prev = nullptr;
  bool listed = false;
};

class Lists {
 public:
  void step(Input& input) {
    Node& node = nodes_[input.below(16)];
    const bool front = input.take(1) % 2 == 0;
    if (node.listed) {
      list_.remove(&node);
      model_.remove(&node);
    } else if (front) {
      list_.push_front(&node);
      model_.push_front(&node);
    } else {
      list_.push_back(&node);
      model_.push_back(&node);
    }
    node.listed = !node.listed;
    compare();
  }

 private:
  void compare() const {
    FUZZ_EXPECT(list_.empty() == model_.empty());
    const Node* node = list_.front();
    const Node* before = nullptr;
    for (const Node* const wanted : model_) {
      FUZZ_EXPECT(node == wanted && node->prev == before);
      before = node;
      node = node->next;
    }
    FUZZ_EXPECT(node == nullptr && list_.back() == before);
  }

  Node nodes_[16];
  List<Node> list_;
  std::list<Node*> model_;
};

class Texts {
 public:
  void step(Input& input) {
    char digits[32];
    const size_t number = input.take(8) >> input.take(1) % 64;
    switch (input.take(1) % 5) {
      case 0: add(std::to_string(number)), text_ << std::uint64_t{number}; break;
      case 1:
        snprintf(digits, sizeof digits, "0x%zx", number);
        add(digits), text_.hex(number);
        break;
      case 2: {
        const size_t width = input.below(30);
        snprintf(digits, sizeof digits, "%*zu", static_cast<int>(width), number);
        add(digits), text_.column(number, width);
        break;
      }
      case 3: {
        const size_t n = std::min(input.left(), input.below(70));
        const std::string_view some(reinterpret_cast<const char*>(input.rest()), n);
        add(std::string(some)), text_ << some;
        FUZZ_EXPECT(first(some, number) == some.substr(0, number));
        FUZZ_EXPECT(after(some, number) == some.substr(std::min(number, n)));
        break;
      }
      default: model_.clear(), text_.clear();
    }
    FUZZ_EXPECT(text_.view() == model_);
  }

 private:
  void add(const std::string& more) { model_ = (model_ + more).substr(0, 100); }

  Text<100> text_;
  std::string model_;
};

void step_units(Input& input) {
  const size_t n = 1 + (input.take(8) >> 16 >> input.take(1) % 48), power = size_t{1} << input.take(1) % 32;
  const Order order = Order::holding(PageCount(n));
  FUZZ_EXPECT(order.pages().raw >= n && (n == 1 || order.pages().raw / 2 < n));
  FUZZ_EXPECT(PageCount::ceil(n).bytes() >= n && PageCount::ceil(n).bytes() - n < kPageBytes);
  FUZZ_EXPECT(round_up(n, power) % power == 0 && round_up(n, power) >= n && round_up(n, power) - n < power);
  FUZZ_EXPECT(round_down(n, power) == n / power * power);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  Lists lists;
  Texts texts;
  while (!input.empty()) {
    switch (input.take(1) % 3) {
      case 0: lists.step(input); break;
      case 1: texts.step(input); break;
      default: step_units(input);
    }
  }
  return 0;
}
