// base: an intrusive list, doubly linked through members named `next` and `prev` of its nodes. It neither allocates nor
// owns nor locks: the owner of the list says which lock protects it.
#pragma once

#include "base/assert.h"

namespace ashlar {

template <class T>
class List {
 public:
  [[nodiscard]] bool empty() const { return front_ == nullptr; }
  [[nodiscard]] T* front() const { return front_; }
  [[nodiscard]] T* back() const { return back_; }

  void push_front(T* node) {
    ASHLAR_ASSERT((front_ == nullptr) == (back_ == nullptr), "a list has both ends or neither");
    node->prev = nullptr;
    node->next = front_;
    (front_ != nullptr ? front_->prev : back_) = node;
    front_ = node;
  }

  void push_back(T* node) {
    ASHLAR_ASSERT((front_ == nullptr) == (back_ == nullptr), "a list has both ends or neither");
    node->next = nullptr;
    node->prev = back_;
    (back_ != nullptr ? back_->next : front_) = node;
    back_ = node;
  }

  void remove(T* node) {
    ASHLAR_ASSERT(node->prev != nullptr ? node->prev->next == node : front_ == node,
                  "what precedes a node leads to it: the node is on this list");
    ASHLAR_ASSERT(node->next != nullptr ? node->next->prev == node : back_ == node,
                  "what follows a node leads back to it: the node is on this list");
    (node->prev != nullptr ? node->prev->next : front_) = node->next;
    (node->next != nullptr ? node->next->prev : back_) = node->prev;
  }

 private:
  T* front_ = nullptr;
  T* back_ = nullptr;
};

}  // namespace ashlar
