// Threads that each keep a private working set of mixed sizes.
// Idea: glibc's benchtests, bench-malloc-thread (also in mimalloc-bench as glibc-thread). Every thread picks a random
// slot of its own, frees its block and allocates anew, in sizes up to 32 KiB of which small ones are far more frequent.
// No block crosses threads. Shows how little threads disturb each other, and what a thread's caches cost when many
// threads have one.
//   --threads N   (default 2)    --slots N   blocks a thread keeps (default 1000)

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

// The density falls with the square of the size: the median is near 32 bytes, the tail reaches 32 KiB.
std::size_t random_size(Rng& rng) {
  constexpr std::size_t kSmallest = 16;
  constexpr std::size_t kLargest = 32 * 1024;
  const std::size_t size = kSmallest * 65536 / (rng.below(65536) + 32);
  return size > kLargest ? kLargest : size;
}

void run(std::size_t seed, std::size_t slots, std::size_t operations) {
  Rng rng(seed + 1);
  std::vector<Block> blocks(slots);
  for (std::size_t i = 0; i < operations; ++i) blocks[rng.below(slots)].replace(random_size(rng));
  for (Block& block : blocks) block.drop();
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 2);
  const std::size_t slots = args.positive("slots", 1000);
  const std::size_t operations = args.scaled(48'000'000) / threads;
  args.finish();
  run_threads(threads, [=](std::size_t index) { run(index, slots, operations); });
}
