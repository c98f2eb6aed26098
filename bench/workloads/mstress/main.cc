// Thread churn with hand-over of data.
// Idea: mstress of mimalloc-bench, which models servers whose objects migrate between threads. In every round new
// threads start, allocate skewed sizes in a burst, replace some blocks, keep others, swap some through a shared table
// with other threads, and end. The table outlives the round. Shows what threads that ended leave behind, and whether
// others can use it.
//   --threads N   per round (default 4)    --rounds N   (default 15)

#include <atomic>

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

// The size lives in the block, so that one pointer can change hands atomically.
struct Item {
  std::size_t size;
};

constexpr std::size_t kTable = 1000;
std::atomic<Item*> shared_table[kTable];

Item* make_item(Rng& rng) {
  std::size_t words = rng.between(2, 32);
  if (rng.one_in(100)) words *= 10;
  if (rng.one_in(1000)) words *= 100;
  auto* item = static_cast<Item*>(std::malloc(words * sizeof(std::size_t)));
  expect(item != nullptr, "malloc returned NULL");
  item->size = words * sizeof(std::size_t);
  touch(item + 1, item->size - sizeof(Item));
  return item;
}

void free_item(Item* item) {
  if (item == nullptr) return;
  check(item + 1, item->size - sizeof(Item));
  std::free(item);
}

void exchange(Item*& item, Rng& rng) {
  item = shared_table[rng.below(kTable)].exchange(item, std::memory_order_acq_rel);
}

void run(std::size_t seed, std::size_t steps) {
  Rng rng(seed);
  std::vector<Item*> burst;
  std::vector<Item*> kept;
  for (std::size_t step = 0; step < steps; ++step) {
    if (!rng.one_in(2)) {
      burst.push_back(make_item(rng));
    } else if (!burst.empty()) {
      Item*& victim = burst[rng.below(burst.size())];
      free_item(victim);
      victim = make_item(rng);
    }
    if (rng.one_in(20)) kept.push_back(make_item(rng));
    if (rng.one_in(10) && !burst.empty()) exchange(burst[rng.below(burst.size())], rng);
  }
  for (Item* item : burst) free_item(item);
  for (Item* item : kept) free_item(item);
}

void empty_table(std::size_t keep_one_in) {
  for (std::size_t i = 0; i < kTable; ++i) {
    if (keep_one_in == 0 || i % keep_one_in != 0) free_item(shared_table[i].exchange(nullptr));
  }
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 4);
  const std::size_t rounds = args.positive("rounds", 15);
  const std::size_t steps = args.scaled(12'000'000) / (threads * rounds);
  args.finish();
  for (std::size_t round = 0; round < rounds; ++round) {
    run_threads(threads, [=](std::size_t index) { run(round * threads + index + 1, steps); });
    empty_table(2);
  }
  empty_table(0);
}
