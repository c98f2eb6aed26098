// Components of the page table: from an address to the class of its page, to its slab, and to its run.
#include <benchmark/benchmark.h>

#include <array>

#include "page/page.h"
#include "random.h"
#include "slab/slab.h"

namespace {

using components::Random;
namespace page = ashlar::page;
namespace slab = ashlar::slab;

constexpr std::size_t kAddresses = 4096, kObjectBytes = 2048;

// Addresses of objects in random order.
class Objects {
 public:
  Objects() {
    const ashlar::SizeClass size_class = slab::class_for(kObjectBytes);
    std::size_t n = 0;
    while (n < kAddresses) {
      const slab::Magazine magazine = slab::take(size_class, slab::info_of(size_class).magazine);
      if (!magazine) return;
      for (const slab::Object* object = magazine.first; object != nullptr && n < kAddresses; object = object->next)
        addresses_[n++] = object;
    }
    Random random;
    for (std::size_t i = kAddresses; i-- > 1;) std::swap(addresses_[i], addresses_[random.below(i + 1)]);
    complete_ = true;
  }
  [[nodiscard]] bool complete() const { return complete_; }
  const void* next() { return addresses_[at_++ % kAddresses]; }

 private:
  std::array<const void*, kAddresses> addresses_{};
  std::size_t at_ = 0;
  bool complete_ = false;
};

Objects& objects() {
  static Objects all;  // never freed
  return all;
}

void table_class(benchmark::State& state) {
  if (!objects().complete()) return state.SkipWithError("no memory");
  for (auto _ : state) benchmark::DoNotOptimize(page::class_of(objects().next()));
}
BENCHMARK(table_class);

void table_slab(benchmark::State& state) {
  if (!objects().complete()) return state.SkipWithError("no memory");
  for (auto _ : state) benchmark::DoNotOptimize(page::slab_of(objects().next()));
}
BENCHMARK(table_slab);

// Looks up a page that starts no run.
void table_no_run(benchmark::State& state) {
  if (!objects().complete()) return state.SkipWithError("no memory");
  for (auto _ : state) {
    const auto address = reinterpret_cast<std::uintptr_t>(objects().next());
    benchmark::DoNotOptimize(page::find_run(ashlar::PageId(address >> ashlar::kPageShift)));
  }
}
BENCHMARK(table_no_run);

}  // namespace
