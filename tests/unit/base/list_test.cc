// base: compares the intrusive list with std::list.
#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <random>
#include <vector>

#include "base/list.h"

namespace ashlar {
namespace {

struct Node {
  Node* next;
  Node* prev;
};

void expect_same(const List<Node>& list, const std::list<Node*>& model) {
  ASSERT_EQ(list.empty(), model.empty());
  ASSERT_EQ(list.front(), model.empty() ? nullptr : model.front());
  ASSERT_EQ(list.back(), model.empty() ? nullptr : model.back());
  const Node* forward = list.front();
  for (const Node* const node : model) {
    ASSERT_EQ(forward, node);
    forward = forward->next;
  }
  ASSERT_EQ(forward, nullptr);
  const Node* backward = list.back();
  for (auto it = model.rbegin(); it != model.rend(); ++it, backward = backward->prev) ASSERT_EQ(backward, *it);
  ASSERT_EQ(backward, nullptr);
}

TEST(List, IsEmptyAtFirstAndAfterItsLastNodeLeft) {
  List<Node> list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.front(), nullptr);
  EXPECT_EQ(list.back(), nullptr);
  Node node{};
  list.push_front(&node);
  EXPECT_FALSE(list.empty());
  list.remove(&node);
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.back(), nullptr);
}

TEST(List, KeepsItsOrderThroughRandomPushesAndRemovals) {
  std::mt19937 random(1);
  std::vector<Node> nodes(40);
  std::vector<Node*> outside;
  for (Node& node : nodes) outside.push_back(&node);
  List<Node> list;
  std::list<Node*> model;
  for (int step = 0; step < 5000; ++step) {
    if (!outside.empty() && random() % 2 == 0) {
      Node* const node = outside[random() % outside.size()];
      std::erase(outside, node);
      const bool front = random() % 2 == 0;
      front ? list.push_front(node) : list.push_back(node);
      front ? model.push_front(node) : model.push_back(node);
    } else if (!model.empty()) {
      Node* const node = *std::next(model.begin(), static_cast<long>(random() % model.size()));
      list.remove(node);
      model.remove(node);
      outside.push_back(node);
    }
    expect_same(list, model);
  }
}

}  // namespace
}  // namespace ashlar
