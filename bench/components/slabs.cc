// Components of the slab layer: a magazine that is exchanged with the depot, and one that is split into its slabs and
// filled from them again. The time is that of a magazine. Items are objects.
#include <benchmark/benchmark.h>

#include <array>

#include "random.h"
#include "slab/slab.h"

namespace {

using components::Random;
namespace slab = ashlar::slab;
using ashlar::SizeClass;

constexpr std::size_t kHeld = 256;  // magazines

SizeClass class_of_range(const benchmark::State& state) {
  return slab::class_for(static_cast<std::size_t>(state.range(0)));
}

std::uint32_t wanted(SizeClass size_class) { return slab::info_of(size_class).magazine; }

enum class To : std::uint8_t { kDepot, kSlabs };

template <To kTo>
void exchange(benchmark::State& state) {
  const SizeClass size_class = class_of_range(state);
  std::int64_t objects = 0;
  for (auto _ : state) {
    const slab::Magazine magazine = slab::take(size_class, wanted(size_class));
    if (!magazine) return state.SkipWithError("no memory");
    objects += magazine.count;
    if constexpr (kTo == To::kDepot) slab::return_to_depot(size_class, magazine, "free()");
    else slab::return_to_slabs(size_class, magazine, "free()");
  }
  state.SetItemsProcessed(objects);
}
BENCHMARK(exchange<To::kDepot>)->Name("depot_exchange")->Arg(16)->Arg(64)->Arg(512)->Arg(4096);
BENCHMARK(exchange<To::kSlabs>)->Name("slab_exchange")->Arg(16)->Arg(64)->Arg(512)->Arg(4096);

// Returns one of many magazines and takes another, so that slabs are partly filled.
void slab_mixed(benchmark::State& state) {
  static std::array<slab::Magazine, kHeld> held;
  const SizeClass size_class = class_of_range(state);
  Random random;
  std::int64_t objects = 0;
  for (auto _ : state) {
    slab::Magazine& slot = held[random.below(kHeld)];
    if (slot) slab::return_to_slabs(size_class, slot, "free()");
    slot = slab::take(size_class, wanted(size_class));
    if (!slot) return state.SkipWithError("no memory");
    objects += slot.count;
  }
  state.SetItemsProcessed(objects);
  for (slab::Magazine& magazine : held) {
    if (magazine) slab::return_to_slabs(size_class, magazine, "free()");
    magazine = {};
  }
  slab::shrink();
}
BENCHMARK(slab_mixed)->Arg(16)->Arg(64)->Arg(512)->Arg(4096);

}  // namespace
