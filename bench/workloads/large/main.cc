// Large blocks.
// Idea: malloc-large of mimalloc-bench. There are twenty blocks of 5 to 25 MiB, of which a random one is replaced each
// time and written in full. Shows whether large blocks stay mapped (time) or return to the system (memory), and what
// page faults cost. With --min and --max it does the same for medium blocks, which lie between the small classes and
// whole mappings.
//   --min KIB  --max KIB   (default 5120 to 25600)    --slots N   (default 20)    --replace N   (default 1200)
//   --threads N   (default 1), which share the slots and the work

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

struct Shape {
  std::size_t smallest;
  std::size_t largest;
  std::size_t slots;
  std::size_t replacements;
};

void run(std::size_t seed, const Shape& shape) {
  Rng rng(seed + 17);
  std::vector<Block> blocks(shape.slots);
  for (std::size_t i = 0; i < shape.replacements; ++i) {
    Block& block = blocks[rng.below(shape.slots)];
    block.replace(rng.between(shape.smallest, shape.largest));
  }
  for (Block& block : blocks) block.drop();
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 1);
  Shape shape{};
  shape.smallest = args.positive("min", 5 * 1024) * 1024;
  shape.largest = args.positive("max", 25 * 1024) * 1024;
  shape.slots = std::max<std::size_t>(1, args.positive("slots", 20) / threads);
  shape.replacements = args.scaled(args.positive("replace", 1200)) / threads;
  args.finish();
  run_threads(threads, [&](std::size_t index) { run(index, shape); });
}
