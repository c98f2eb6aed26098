// Thread start and exit: does anything stay behind?
// Idea: mleak of mimalloc-bench. Waves of short threads each use many size classes, free most blocks, and leave some to
// the next wave, which frees them. Live data is constant, so growth of the resident set is the allocator's. Also shows
// the cost of a thread's first and last call.
//   --threads N   per wave (default 8)

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/report.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

using Legacy = std::vector<Block>;

void live_and_die(std::size_t seed, Legacy& inherited) {
  Rng rng(seed);
  Legacy own(64);
  for (int turn = 0; turn < 4; ++turn) {
    for (Block& block : own) block.replace(rng.skewed(16, 4096));
  }
  for (Block& block : inherited) block.drop();
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (i < inherited.size()) {
      inherited[i] = own[i];
    } else {
      own[i].drop();
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 8);
  const std::size_t waves = args.scaled(20'000) / threads;
  args.finish();
  std::vector<Legacy> legacies(threads, Legacy(16));
  double after_tenth = 0;
  for (std::size_t wave = 0; wave < waves; ++wave) {
    run_threads(threads, [&](std::size_t index) { live_and_die(wave * threads + index + 1, legacies[index]); });
    if (wave == waves / 10) after_tenth = resident_kib();
  }
  metric("rss_growth", resident_kib() - after_tenth, "KiB", "lower");
  for (Legacy& legacy : legacies) {
    for (Block& block : legacy) block.drop();
  }
}
