// Fixed-size batches.
// Idea: glibc's benchtests, bench-malloc-simple (also in mimalloc-bench as glibc-simple).
// For each size, allocate a batch, then free it in the same order; batches from a few blocks to
// more than any thread cache holds. Shows the bare cost of a call while it hits the cache, and of
// the refill and the flush behind it once a batch outgrows the cache.
//   --threads N   independent copies of the work at once (default 1)

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

constexpr std::size_t kSizes[] = {8, 16, 32, 64, 128, 256, 512, 1024};
constexpr std::size_t kBatches[] = {25, 100, 400, 1600};

void run(std::size_t calls_per_cell) {
  std::vector<void*> blocks(1600);
  for (const std::size_t size : kSizes) {
    for (const std::size_t batch : kBatches) {
      for (std::size_t round = 0; round < calls_per_cell / batch; ++round) {
        for (std::size_t i = 0; i < batch; ++i) blocks[i] = allocate(size);
        for (std::size_t i = 0; i < batch; ++i) release(blocks[i], size);
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 1);
  const std::size_t calls = args.scaled(1'200'000 / threads);
  args.finish();
  run_threads(threads, [calls](std::size_t) { run(calls); });
}
