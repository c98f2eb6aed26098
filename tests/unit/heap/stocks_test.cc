// heap: tests that threads on fake processors exchange magazines. Each object is in one place only, and none is lost.
#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "base/options.h"
#include "heap/heap_fixture.h"
#include "slab/slab.h"

namespace ashlar::heap {
namespace {

constexpr unsigned kThreads = 8, kBlocks = 60;
constexpr std::size_t kSizes[] = {16, 64, 200, 1000, 5000, 20000};

std::uint64_t cached(SizeClass c) { return counts().cached[c.raw]; }

class Processors : public testing::TestWithParam<unsigned> {};

// Blocks go round a ring of threads, so that each class is always short on one processor and plenty on another.
TEST_P(Processors, EveryObjectIsInOnePlace) {
  options.cpus_fake = GetParam();
  std::atomic<void**> boxes[kThreads] = {};
  std::atomic<bool> overlap{false};
  const auto work = [&](unsigned own) {
    constexpr unsigned kRounds = 150;
    for (unsigned round = 0; round < kRounds; ++round) {
      const std::size_t size = kSizes[(round + own) % std::size(kSizes)];
      auto** const blocks = static_cast<void**>(allocate(kBlocks * sizeof(void*)));
      for (unsigned i = 0; i < kBlocks; ++i) {
        blocks[i] = allocate(size);
        *static_cast<void**>(blocks[i]) = blocks[i];
      }
      for (unsigned i = 0; i < kBlocks; ++i) {
        if (*static_cast<void**>(blocks[i]) != blocks[i]) overlap = true;
      }
      void** const others = boxes[(own + 1) % kThreads].exchange(blocks, std::memory_order_acq_rel);
      if (others == nullptr) continue;
      for (unsigned i = 0; i < kBlocks; ++i) release(others[i], "free()");
      release(others, "free()");
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
  for (auto& thread : threads) thread.join();
  EXPECT_FALSE(overlap) << "a block was handed out twice";
  for (auto& box : boxes) {
    void** const blocks = box.load();
    if (blocks == nullptr) continue;
    for (unsigned i = 0; i < kBlocks; ++i) release(blocks[i], "free()");
    release(blocks, "free()");
  }
  for (unsigned c = 1; c < slab::kClasses; ++c) {
    const slab::CacheCounts n = slab::counts(SizeClass(c));
    EXPECT_EQ(n.out, n.depot_objects + cached(SizeClass(c))) << "all are free, of class " << c;
  }
  shrink();
  for (unsigned c = 1; c < slab::kClasses; ++c) EXPECT_EQ(slab::counts(SizeClass(c)).out, 0U) << "of class " << c;
}

INSTANTIATE_TEST_SUITE_P(Few, Processors, testing::Values(1, 2, 16, 256));

}  // namespace
}  // namespace ashlar::heap
