// Server churn: threads that hand their heap to a successor and end.
// Idea: P. Larson and M. Krishnan, "Memory allocation for long-running server applications", ISMM 1998 (also in Hoard's
// suite and mimalloc-bench). Each thread replaces random blocks of a table, then starts a successor that takes the
// table over, and ends. Most blocks are therefore freed by another thread than the one that allocated them, and that
// thread has ended. Shows blow-up and contention under thread hand-over. The original counts calls in a fixed time;
// here the number of calls is fixed and the time is measured.
//   --threads N   tables at once (default 8)    --blocks N   per table (default 5000)
//   --generations N   threads per table, one after another (default 10)

#include <latch>

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

std::size_t random_size(Rng& rng) { return rng.between(10, 1000); }

struct Table {
  std::vector<Block> blocks;
  Rng rng;
  std::size_t generations;
  std::size_t operations;  // per generation
};

void serve(Table& table, std::latch& done) {
  for (std::size_t i = 0; i < table.operations; ++i) {
    table.blocks[table.rng.below(table.blocks.size())].replace(random_size(table.rng));
  }
  if (--table.generations == 0) {
    done.count_down();
    return;
  }
  // Detached, as in the original: the successor already works while this thread's exit is under way.
  std::thread([&table, &done] { serve(table, done); }).detach();
}

// As in a server that has run for a while, one thread allocated the blocks of all first tables, in turns.
void warm_up(std::vector<Table>& tables) {
  Rng rng(42);
  for (std::size_t i = 0; i < tables[0].blocks.size(); ++i) {
    for (Table& table : tables) table.blocks[i].fill(random_size(rng));
  }
  for (Table& table : tables) {
    for (Block& block : table.blocks) {
      Table& other = tables[rng.below(tables.size())];
      std::swap(block, other.blocks[rng.below(other.blocks.size())]);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 8);
  const std::size_t blocks = args.positive("blocks", 5000);
  const std::size_t generations = args.positive("generations", 10);
  const std::size_t operations = args.scaled(16'000'000) / (threads * generations);
  args.finish();
  std::vector<Table> tables;
  for (std::size_t i = 0; i < threads; ++i) {
    tables.push_back({std::vector<Block>(blocks), Rng(i + 7), generations, operations});
  }
  warm_up(tables);
  std::latch done(static_cast<std::ptrdiff_t>(threads));
  for (Table& table : tables) std::thread([&table, &done] { serve(table, done); }).detach();
  done.wait();
  for (Table& table : tables) {
    for (Block& block : table.blocks) block.drop();
  }
}
