// Many idle threads: how much memory does each hold?
// Idea: thread pools whose size fits the peak, and the complaint that per-thread caches and arenas multiply the heap.
// Every thread uses twenty size classes, frees everything, and then waits. All memory that is held while they wait is
// the allocator's, except the stacks, which are the same under every allocator.
//   --threads N   (default 64)    --idle S   seconds to wait (default 5)

#include <barrier>

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/report.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

constexpr std::size_t kSizes[] = {16,  32,  48,  64,  80,   112,  128,  192,  256,  320,
                                  448, 512, 640, 896, 1024, 1536, 2048, 4096, 8192, 16384};

void use_heap(std::size_t seed, std::size_t steps) {
  Rng rng(seed + 31);
  std::vector<Block> blocks(400);
  for (std::size_t i = 0; i < steps; ++i) {
    blocks[rng.below(blocks.size())].replace(kSizes[rng.below(std::size(kSizes))]);
  }
  for (Block& block : blocks) block.drop();
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 64);
  const std::size_t steps = args.scaled(8'000'000) / threads;
  args.finish();
  std::barrier<> all(static_cast<std::ptrdiff_t>(threads));
  run_threads(threads, [&](std::size_t index) {
    use_heap(index, steps);
    all.arrive_and_wait();
    if (index == 0) {
      phase("peak");
      idle(args.idle_seconds());
    }
    all.arrive_and_wait();
  });
}
