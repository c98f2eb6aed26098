// The page layer as slab and vmalloc need it, without zones. Their unit tests link it instead of ashlar_page. Blocks
// come from one stretch of real memory and are filled with kFresh, so that a test sees what was touched. A block that
// is freed twice, or with another order than it was taken with, is noted in `errors`.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "page/page.h"

namespace ashlar::fake_page {

inline constexpr unsigned char kFresh = 0xa5;

struct Freed {
  std::uintptr_t address;
  Order order;
  std::size_t touched;
};

struct State {
  // Set by the test:
  std::size_t block_budget = SIZE_MAX;  // blocks that may still be taken
  Order largest{page::kMaxOrder};       // a larger block is refused
  std::uint64_t empty_nodes = 0;        // a bit for each node that has no block left
  bool metadata_refused = false;
  std::size_t live_pages = 0;  // the value of live_hint
  bool has_helper = false;     // whether kswapd runs
  bool threaded = false;
  bool far_below_peak = false;
  std::atomic<void (*)()> during_take{nullptr};  // called while a block for a slab is taken, as another thread
  std::size_t limit_pages = SIZE_MAX;            // above which over_memory_limit refuses

  // Read by the test:
  std::vector<Order> taken;
  std::vector<Freed> freed;
  std::size_t live_blocks = 0;
  std::atomic<unsigned> shrink_requests{0};
  std::atomic<std::size_t> outside_pages{0};  // by account_outside
  std::vector<std::string> errors;
};

State& state();

// Makes n nodes. Each falls back on the nodes after it, in turn.
void set_nodes(unsigned n);

// Returns whether all bytes of a range are as they were handed out.
bool is_fresh(const void* start, std::size_t bytes);

// The parts of the functions of page/page.h.
page::Page* take(Order order, NodeId node);
void give(page::Page* block, std::size_t touched);
page::Node& node_at(NodeId id);
std::uintptr_t address_of(const page::Page* block);

}  // namespace ashlar::fake_page
