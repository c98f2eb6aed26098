// The other functions of the malloc family: calloc, realloc, aligned blocks.

#include <malloc.h>

#include <cstring>
#include <new>

#include "common.h"

namespace ashlar::micro {
namespace {

void calloc_free(benchmark::State& state) {
  const std::size_t size = argument(state);
  for (auto _ : state) {
    void* p = std::calloc(1, size);
    write_first(p);
    std::free(p);
  }
  count_pairs(state);
}
BENCHMARK(calloc_free)->RangeMultiplier(8)->Range(16, 64 << 10)->Arg(1 << 20);

// A buffer to which a fixed step is appended and written. The argument is its final size.
void realloc_append(benchmark::State& state) {
  const std::size_t end = argument(state);
  const std::size_t step = argument(state, 1);
  for (auto _ : state) {
    unsigned char* p = nullptr;
    for (std::size_t size = step; size <= end; size += step) {
      p = static_cast<unsigned char*>(std::realloc(p, size));
      std::memset(p + size - step, 1, step);
      use(p);
    }
    std::free(p);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(end / step));
}
BENCHMARK(realloc_append)->ArgNames({"to", "step"})->Args({256, 16})->Args({4096, 64})->Args({1 << 20, 4096});

// A buffer that doubles and is written as it grows.
void realloc_double(benchmark::State& state) {
  const std::size_t end = argument(state);
  for (auto _ : state) {
    unsigned char* p = nullptr;
    std::size_t before = 0;
    for (std::size_t size = 16; size <= end; size *= 2) {
      p = static_cast<unsigned char*>(std::realloc(p, size));
      std::memset(p + before, 1, size - before);
      before = size;
      use(p);
    }
    std::free(p);
  }
  count_pairs(state);
}
BENCHMARK(realloc_double)->ArgName("to")->Arg(1024)->Arg(64 << 10)->Arg(1 << 20)->Arg(32 << 20);

// Grows and shrinks by a byte, which must not copy.
void realloc_in_place(benchmark::State& state) {
  const std::size_t size = argument(state);
  void* p = std::malloc(size);
  for (auto _ : state) {
    p = std::realloc(p, size - 1);
    write_first(p);
    p = std::realloc(p, size);
    write_first(p);
  }
  std::free(p);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * 2);
}
BENCHMARK(realloc_in_place)->Arg(64)->Arg(1024)->Arg(64 << 10)->Arg(4 << 20);

void aligned_alloc_free(benchmark::State& state) {
  const std::size_t alignment = argument(state);
  const std::size_t size = argument(state, 1);
  for (auto _ : state) {
    void* p = std::aligned_alloc(alignment, size);
    write_first(p);
    std::free(p);
  }
  count_pairs(state);
}
BENCHMARK(aligned_alloc_free)->ArgNames({"align", "size"})->ArgsProduct({{32, 64, 4096}, {64, 1024, 8192}});

void posix_memalign_free(benchmark::State& state) {
  for (auto _ : state) {
    void* p = nullptr;
    if (posix_memalign(&p, 64, argument(state)) != 0) state.SkipWithError("posix_memalign failed");
    write_first(p);
    std::free(p);
  }
  count_pairs(state);
}
BENCHMARK(posix_memalign_free)->Arg(64)->Arg(1024);

void new_delete_aligned(benchmark::State& state) {
  constexpr std::align_val_t kAlignment{64};
  const std::size_t size = argument(state);
  for (auto _ : state) {
    void* p = ::operator new(size, kAlignment);
    write_first(p);
    ::operator delete(p, size, kAlignment);
  }
  count_pairs(state);
}
BENCHMARK(new_delete_aligned)->Arg(64)->Arg(1024);

void usable_size(benchmark::State& state) {
  void* p = std::malloc(argument(state));
  for (auto _ : state) benchmark::DoNotOptimize(malloc_usable_size(p));
  std::free(p);
}
BENCHMARK(usable_size)->Arg(64)->Arg(64 << 10);

}  // namespace
}  // namespace ashlar::micro
