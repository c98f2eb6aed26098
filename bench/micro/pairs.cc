// malloc and free by size: one block at a time, batches, a random live set, and the C++ operators.

#include <new>
#include <vector>

#include "common.h"

namespace ashlar::micro {
namespace {

// Allocates one block and frees it at once: the fast path alone.
void malloc_free(benchmark::State& state) {
  const std::size_t size = argument(state);
  for (auto _ : state) {
    void* p = std::malloc(size);
    write_first(p);
    std::free(p);
  }
  count_pairs(state);
}
BENCHMARK(malloc_free)->RangeMultiplier(4)->Range(16, 64 << 10)->Arg(1 << 20)->Arg(16 << 20);
BENCHMARK(malloc_free)->Name("malloc_free_threads")->Arg(64)->Arg(1024)->Arg(8192)->Apply(with_threads);

// Allocates a batch and frees it in order: the cost of a miss of the thread's cache, spread over the batch.
void batch(benchmark::State& state) {
  const std::size_t size = argument(state);
  std::vector<void*> blocks(argument(state, 1));
  for (auto _ : state) {
    for (void*& p : blocks) {
      p = std::malloc(size);
      write_first(p);
    }
    for (void* p : blocks) std::free(p);
  }
  count_pairs(state, blocks.size());
}
BENCHMARK(batch)->ArgNames({"size", "batch"})->ArgsProduct({{16, 64, 256, 1024, 8192}, {8, 64, 512, 4096}});
BENCHMARK(batch)
    ->Name("batch_threads")
    ->ArgNames({"size", "batch"})
    ->Args({64, 512})
    ->Args({1024, 512})
    ->Apply(with_threads);

// The same, freed in reverse order, like a stack of scopes.
void batch_reverse(benchmark::State& state) {
  const std::size_t size = argument(state);
  std::vector<void*> blocks(argument(state, 1));
  for (auto _ : state) {
    for (void*& p : blocks) {
      p = std::malloc(size);
      write_first(p);
    }
    for (auto at = blocks.rbegin(); at != blocks.rend(); ++at) std::free(*at);
  }
  count_pairs(state, blocks.size());
}
BENCHMARK(batch_reverse)->ArgNames({"size", "batch"})->ArgsProduct({{64, 1024}, {64, 4096}});

// Replaces a random block of a live set, so that memory is reused in no order.
void live_set(benchmark::State& state) {
  const std::size_t size = argument(state);
  std::vector<void*> blocks(argument(state, 1));
  for (void*& p : blocks) p = std::malloc(size);
  Random random(static_cast<std::uint64_t>(state.thread_index()) + 1);
  for (auto _ : state) {
    void*& p = blocks[random.below(blocks.size())];
    std::free(p);
    p = std::malloc(size);
    write_first(p);
  }
  for (void* p : blocks) std::free(p);
  count_pairs(state);
}
BENCHMARK(live_set)->ArgNames({"size", "live"})->ArgsProduct({{16, 64, 256, 1024, 8192}, {100, 10000}});
BENCHMARK(live_set)->Name("live_set_threads")->ArgNames({"size", "live"})->Args({64, 1000})->Apply(with_threads);

void new_delete(benchmark::State& state) {
  const std::size_t size = argument(state);
  for (auto _ : state) {
    void* p = ::operator new(size);
    write_first(p);
    ::operator delete(p);
  }
  count_pairs(state);
}
BENCHMARK(new_delete)->Arg(16)->Arg(64)->Arg(1024)->Arg(8192);

void new_sized_delete(benchmark::State& state) {
  const std::size_t size = argument(state);
  for (auto _ : state) {
    void* p = ::operator new(size);
    write_first(p);
    ::operator delete(p, size);
  }
  count_pairs(state);
}
BENCHMARK(new_sized_delete)->Arg(16)->Arg(64)->Arg(1024)->Arg(8192);

}  // namespace
}  // namespace ashlar::micro
