// Random sizes with random lifetimes.
// Idea: alloc-test by OLogN Technologies, ITHare.com (also in mimalloc-bench). There is a table of slots. Each step
// picks a random slot, and frees its block or fills it with one of a random size up to 1 KiB. Lifetimes are therefore
// exponentially distributed, and half of the table is live. Shows the cost of a call when memory is reused in no order,
// and the memory lost to rounding.
//   --threads N   tables, one for each thread (default 1)    --slots N   in all (default 65536)

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

void run(std::size_t seed, std::size_t slots, std::size_t steps) {
  Rng rng(seed + 11);
  std::vector<Block> blocks(slots);
  for (std::size_t i = 0; i < steps; ++i) {
    Block& block = blocks[rng.below(slots)];
    if (block.data != nullptr) {
      block.drop();
    } else {
      block.fill(rng.skewed(8, 1024));
    }
  }
  for (Block& block : blocks) block.drop();
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 1);
  const std::size_t slots = args.positive("slots", 65536) / threads;
  const std::size_t steps = args.scaled(24'000'000) / threads;
  args.finish();
  run_threads(threads, [=](std::size_t index) { run(index, slots, steps); });
}
