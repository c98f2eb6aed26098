// Phase changes: grow on one size, free most, grow on another.
// Idea: P. Wilson, M. Johnstone, M. Neely, D. Boles, "Dynamic storage allocation: a survey and critical review", IWMM
// 1995, which explains fragmentation by the phases of programs. Each phase fills the heap to the same number of bytes
// with blocks near one size, then a random nine of ten are freed and the survivors stay through the next phases. Shows
// whether memory of one size can serve another, and how much a few survivors pin.
//   --mib N   live bytes at each peak (default 128)    --cycles N   over all sizes (default 2)

#include <vector>

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/report.h"
#include "../common/rng.h"

namespace {

using namespace ashlar::workload;

constexpr std::size_t kPhaseSizes[] = {48, 640, 112, 3000, 320, 10'000, 1024, 200};
constexpr std::size_t kSurvivePhases = 3;

struct Generation {
  std::vector<Block> blocks;
  std::size_t bytes = 0;

  void grow(Rng& rng, std::size_t near, std::size_t target) {
    while (bytes < target) {
      Block block;
      block.fill(rng.between(near - near / 8, near + near / 8));
      bytes += block.size;
      blocks.push_back(block);
    }
  }
  void keep_one_in(std::size_t n, Rng& rng) {
    std::size_t kept = 0;
    for (Block& block : blocks) {
      if (rng.one_in(n)) {
        blocks[kept++] = block;
      } else {
        bytes -= block.size;
        block.drop();
      }
    }
    blocks.resize(kept);
    blocks.shrink_to_fit();
  }
  void clear() {
    for (Block& block : blocks) block.drop();
    *this = Generation{};
  }
};

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t target = args.positive("mib", 128) << 20;
  const std::size_t cycles = args.scaled(args.positive("cycles", 2));
  args.finish();
  Rng rng(23);
  Generation generations[kSurvivePhases];
  std::size_t turn = 0;
  for (std::size_t cycle = 0; cycle < cycles; ++cycle) {
    for (const std::size_t size : kPhaseSizes) {
      Generation& generation = generations[turn++ % kSurvivePhases];
      generation.clear();
      std::size_t surviving = 0;
      for (const Generation& other : generations) surviving += other.bytes;
      generation.grow(rng, size, target - surviving);
      generation.keep_one_in(10, rng);
    }
  }
  double live_kib = 0;
  for (const Generation& generation : generations) live_kib += static_cast<double>(generation.bytes) / 1024;
  metric("rss_by_live", resident_kib() / live_kib, "ratio", "lower");
  for (Generation& generation : generations) generation.clear();
}
