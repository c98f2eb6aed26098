// C++ containers, filled and destroyed, as ordinary code uses them.

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "common.h"

namespace ashlar::micro {
namespace {

constexpr std::size_t kElements = 1000;

template <typename Map>
void fill_map(benchmark::State& state) {
  for (auto _ : state) {
    Random random(7);
    Map map;
    for (std::size_t i = 0; i < kElements; ++i) map[random.below(1 << 30)] = i;
    benchmark::DoNotOptimize(map.size());
  }
  count_pairs(state, kElements);
}
BENCHMARK(fill_map<std::map<std::size_t, std::size_t>>)->Name("map")->Apply(with_threads);
BENCHMARK(fill_map<std::unordered_map<std::size_t, std::size_t>>)->Name("unordered_map")->Apply(with_threads);

// Erases and inserts in a map of constant size, so that nodes are reused one by one.
void map_churn(benchmark::State& state) {
  Random random(9);
  std::map<std::size_t, std::string> map;
  while (map.size() < kElements) map.emplace(random.below(1 << 30), std::string(40, 'x'));
  for (auto _ : state) {
    auto at = map.lower_bound(random.below(1 << 30));
    if (at == map.end()) at = map.begin();
    map.erase(at);
    map.emplace(random.below(1 << 30), std::string(20 + random.below(100), 'x'));
  }
  count_pairs(state, 2);
}
BENCHMARK(map_churn);

// Strings that exceed the inline buffer: built by appending, copied and dropped.
void strings(benchmark::State& state) {
  for (auto _ : state) {
    std::vector<std::string> list;
    for (std::size_t i = 0; i < kElements; ++i) {
      std::string text = "a text that is too long for the inline buffer ";
      text += std::to_string(i);
      list.push_back(text);
    }
    benchmark::DoNotOptimize(list.data());
  }
  count_pairs(state, kElements);
}
BENCHMARK(strings)->Apply(with_threads);

void vector_push_back(benchmark::State& state) {
  const std::size_t count = argument(state);
  for (auto _ : state) {
    std::vector<std::size_t> numbers;
    for (std::size_t i = 0; i < count; ++i) numbers.push_back(i);
    use(numbers.data());
  }
  count_pairs(state, count);
}
BENCHMARK(vector_push_back)->Arg(10)->Arg(1000)->Arg(1'000'000);

void vector_of_vectors(benchmark::State& state) {
  for (auto _ : state) {
    std::vector<std::vector<int>> rows(kElements);
    for (std::size_t i = 0; i < kElements; ++i) rows[i].resize(1 + i % 100);
    use(rows.data());
  }
  count_pairs(state, kElements);
}
BENCHMARK(vector_of_vectors)->Apply(with_threads);

}  // namespace
}  // namespace ashlar::micro
