// The page layer as slab and vmalloc need it, without zones: what their unit tests link in the place of ashlar_page.
// Blocks come from one stretch of real memory and are filled with kFresh, so that a test sees what was touched. A
// block that is freed twice, or with another order than it was taken with, is noted in `errors`.
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
  // To set:
  std::size_t block_budget = SIZE_MAX;  // blocks that may still be taken
  Order largest{page::kMaxOrder};       // a larger block is refused
  std::uint64_t empty_nodes = 0;        // a bit a node: it has no block left
  bool metadata_refused = false;
  std::size_t live_pages = 0;  // what live_hint says
  bool has_helper = false;     // kswapd runs
  bool threaded = false;
  bool far_below_peak = false;
  std::atomic<void (*)()> during_take{nullptr};  // what another thread does while a block for a slab is taken
  std::size_t limit_pages = SIZE_MAX;            // over_memory_limit refuses above

  // To look at:
  std::vector<Order> taken;
  std::vector<Freed> freed;
  std::size_t live_blocks = 0;
  std::atomic<unsigned> shrink_requests{0};
  std::atomic<std::size_t> outside_pages{0};  // by account_outside
  std::vector<std::string> errors;
};

State& state();

// From here on there are n nodes, each of which falls back on those behind it in turn.
void set_nodes(unsigned n);

// True when all bytes of a range are as they were handed out.
bool is_fresh(const void* start, std::size_t bytes);

// What the functions of page/page.h are made of.
page::Page* take(Order order, NodeId node);
void give(page::Page* block, std::size_t touched);
page::Node& node_at(NodeId id);
std::uintptr_t address_of(const page::Page* block);

}  // namespace ashlar::fake_page
