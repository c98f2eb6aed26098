// Components of the page layer: the buddy, runs by length (the processor's list, then extents), and both among many
// blocks in use.
#include <benchmark/benchmark.h>

#include <array>

#include "page/page.h"
#include "random.h"

namespace {

using ashlar::Order;
using ashlar::PageCount;
using components::Random;
namespace page = ashlar::page;

constexpr std::size_t kHeld = 1024;

// Takes and frees a block of an order. Each time it is the block that was freed last.
void buddy_pair(benchmark::State& state) {
  const Order order(static_cast<unsigned>(state.range(0)));
  for (auto _ : state) {
    page::Page* const block = page::alloc_slab_pages(page::local_node(), order);
    if (block == nullptr) return state.SkipWithError("no memory");
    page::free_slab_pages(block, PageCount(0));
  }
}
BENCHMARK(buddy_pair)->Arg(0)->Arg(3)->Arg(6);

// Frees one of many blocks of mixed orders and takes one of another order, so that blocks are split and merged.
void buddy_mixed(benchmark::State& state) {
  static std::array<page::Page*, kHeld> held;
  Random random;
  for (auto _ : state) {
    page::Page*& slot = held[random.below(kHeld)];
    if (slot != nullptr) page::free_slab_pages(slot, PageCount(0));
    slot = page::alloc_slab_pages(page::local_node(), Order(static_cast<unsigned>(random.below(6))));
    if (slot == nullptr) return state.SkipWithError("no memory");
  }
  for (page::Page*& block : held) {
    if (block != nullptr) page::free_slab_pages(block, PageCount(0));
    block = nullptr;
  }
}
BENCHMARK(buddy_mixed);

// Takes a run of one length from the processor's list and frees it into the list.
void run_pair(benchmark::State& state) {
  const PageCount pages(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    const page::Run run = page::alloc_run(page::local_node(), pages, ashlar::kPageBytes);
    if (!run || !page::free_run(run.first)) return state.SkipWithError("no memory");
  }
}
BENCHMARK(run_pair)->Arg(9)->Arg(16)->Arg(256)->Arg(2048);

// Frees one of many runs of mixed lengths and takes one of another length, so that extents are joined, searched and
// cut.
void run_mixed(benchmark::State& state) {
  static std::array<page::Run, kHeld> held;
  const auto longest = static_cast<std::size_t>(state.range(0));
  Random random;
  for (auto _ : state) {
    page::Run& slot = held[random.below(kHeld)];
    if (slot) page::free_run(slot.first);
    slot = page::alloc_run(page::local_node(), PageCount(9 + random.below(longest)), ashlar::kPageBytes);
    if (!slot) return state.SkipWithError("no memory");
  }
  for (page::Run& run : held) {
    if (run) page::free_run(run.first);
    run = {};
  }
}
BENCHMARK(run_mixed)->Arg(32)->Arg(256);

}  // namespace
