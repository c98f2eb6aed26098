// Shared by the micro benchmarks: keeping calls alive, argument lists, numbers of threads.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "../random.h"

namespace ashlar::micro {

// Makes the compiler assume that the pointer is used and that the memory behind it changes. Together with
// -fno-builtin-malloc and similar flags this keeps every call.
inline void use(void* p) {
  benchmark::DoNotOptimize(p);
  benchmark::ClobberMemory();
}

// Every benchmark writes the first byte, as programs use the memory that they allocate.
inline void write_first(void* p) {
  *static_cast<volatile unsigned char*>(p) = 1;
  use(p);
}

inline std::size_t argument(const benchmark::State& state, std::size_t index = 0) {
  return static_cast<std::size_t>(state.range(index));
}

// items_per_second counts pairs of an allocation and its free, over all threads.
inline void count_pairs(benchmark::State& state, std::size_t pairs_per_iteration = 1) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(pairs_per_iteration));
}

// 1, 2, 4, 8 and 16 threads at once. Wall time counts, because threads outnumber cores on small machines. For the same
// reason each run must outlast many time slices: a --benchmark_min_time below 0.2 makes these rows meaningless.
inline void with_threads(benchmark::internal::Benchmark* benchmark) { benchmark->ThreadRange(1, 16)->UseRealTime(); }

using bench::Random;

}  // namespace ashlar::micro
