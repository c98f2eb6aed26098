// Shows the C++ wrappers: a typed cache, an allocator for containers, and a memory resource.
//
//   c++ -std=c++17 cplusplus.cc -lashlar
#include <ashlar/allocator.hpp>
#include <ashlar/cache.hpp>
#include <ashlar/heap.hpp>
#include <ashlar/memory_resource.hpp>
#include <iostream>
#include <list>
#include <memory_resource>
#include <string>
#include <vector>

struct Node {
  Node(int k, std::string v) : key(k), value(std::move(v)) {}
  int key;
  std::string value;
};

int main() {
  // A cache of one type, ended with its owner. Throws std::system_error when it cannot be made.
  ashlar::cache<Node> nodes("node");
  const auto held = nodes.make_unique(1, "given back at the end of the scope");
  Node* const raw = nodes.make(2, "given back by hand");
  std::cout << nodes.name() << ": " << held->value << ", " << raw->value << '\n';
  nodes.destroy(raw);

  // Many at once, all or none; and without exceptions, false or null where there is no memory.
  Node* many[10];
  if (!nodes.make_bulk(std::nothrow, 10, many, 3, "each a copy of the arguments")) return 1;
  nodes.destroy_bulk(10, many);

  // Containers whose memory comes from Ashlar, also where malloc is another's.
  std::vector<int, ashlar::allocator<int>> numbers;
  for (int i = 0; i < 1000; ++i) numbers.push_back(i);

  std::pmr::vector<std::pmr::string> words(ashlar::resource());
  words.emplace_back("a string that is too long to lie within its object");

  // Whatever is allocated in the scope goes with the heap, at once; what is outside of it stays.
  const ashlar::heap request("request");
  const int* made = nullptr;
  {
    const ashlar::heap_scope scope(request);
    made = new int[100];
  }
  if (ashlar_heap_of(made) != request.get()) return 1;

  // Containers in a heap, and the nodes of a list in a named cache.
  ashlar::heap_resource in_request(request);
  const std::pmr::vector<int> scores({1, 2, 3}, &in_request);
  const std::vector<int, ashlar::heap_allocator<int>> ids(10, ashlar::heap_allocator<int>(request));
  if (ashlar_heap_of(scores.data()) != request.get() || ashlar_heap_of(ids.data()) != request.get()) return 1;
  ashlar_cache* const links = ashlar_cache_create("link", 64, 0, 0, nullptr);
  if (links == nullptr) return 1;
  {
    std::list<int, ashlar::cache_allocator<int>> waiting{ashlar::cache_allocator<int>(links)};
    waiting.push_back(7);
  }
  if (ashlar_cache_destroy(links) != 0) return 1;

  return numbers.back() == 999 && words.size() == 1 && held->key == 1 ? 0 : 1;
}
