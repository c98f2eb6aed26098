// A big heap that is freed, and a process that idles afterwards.
// Idea: a complaint of users of most allocators. Resident memory stays at its peak, and a process without further calls
// never returns it. The program builds a heap of blocks of 1 to 64 KiB, frees all or nearly all of it, then waits
// without a call. Shows what is resident after the wait. With more threads, each thread builds and frees its own part
// and stays alive. With --keep, some blocks survive and pin what is around them.
//   --threads N   (default 1)    --mib N   at the peak (default 512)    --keep N   of 1000 blocks (default 0)
//   --idle S      seconds to wait (default 5)

#include <barrier>

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/report.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

std::vector<Block> build(Rng& rng, std::size_t target) {
  std::vector<Block> blocks;
  for (std::size_t bytes = 0; bytes < target;) {
    Block block;
    block.fill(rng.skewed(1024, 65536));
    bytes += block.size;
    blocks.push_back(block);
  }
  return blocks;
}

void thin_out(std::vector<Block>& blocks, Rng& rng, std::size_t keep_per_mille) {
  for (Block& block : blocks) {
    if (rng.below(1000) >= keep_per_mille) block.drop();
  }
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 1);
  const std::size_t target = args.scaled(args.positive("mib", 512) << 20) / threads;
  const std::size_t keep = args.count("keep", 0);
  args.finish();
  std::barrier<> all(static_cast<std::ptrdiff_t>(threads));
  run_threads(threads, [&](std::size_t index) {
    Rng rng(index + 37);
    std::vector<Block> blocks = build(rng, target);
    all.arrive_and_wait();
    if (index == 0) phase("peak");
    thin_out(blocks, rng, keep);
    all.arrive_and_wait();
    if (index == 0) idle(args.idle_seconds());
    all.arrive_and_wait();
    for (Block& block : blocks) block.drop();
  });
}
