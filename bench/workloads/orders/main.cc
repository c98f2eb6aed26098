// Groups of equal blocks, freed in varying order.
// Idea: MicroQuill's SmartHeap benchmarks sh6bench (one thread) and sh8bench (several), both in mimalloc-bench. Sizes
// rise, and small sizes have larger groups. A group is freed first to last, last to first, or every other block at once
// and the others several groups later, by any thread. Shows whether the order of frees matters, and how half-empty
// regions are reused by the following sizes.
//   --threads N   (default 1)

#include <atomic>

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

constexpr std::size_t kLargest = 1000;
constexpr std::size_t kWaiting = 8;  // groups that stay half freed at any time

struct Group {
  std::vector<void*> blocks;
  std::size_t size = 0;

  void fill(std::size_t block_size) {
    size = block_size;
    blocks.resize(20 + 40'000 / block_size);
    for (void*& block : blocks) block = allocate(size);
  }
  void free_forwards() {
    for (void*& block : blocks) free_one(block);
  }
  void free_backwards() {
    for (std::size_t i = blocks.size(); i-- > 0;) free_one(blocks[i]);
  }
  void free_every_other() {
    for (std::size_t i = 0; i < blocks.size(); i += 2) free_one(blocks[i]);
  }

 private:
  void free_one(void*& block) {
    if (block != nullptr) release(block, size);
    block = nullptr;
  }
};

// Half-freed groups that wait for a thread to free the rest; nullptr while a thread works on one.
std::atomic<Group*> waiting[kWaiting];

// Frees the rest of a group that an earlier turn, perhaps of another thread, left, and leaves half of a new group.
void replace_waiting(std::size_t slot, std::size_t size) {
  Group* group = waiting[slot].exchange(nullptr, std::memory_order_acq_rel);
  if (group == nullptr) group = new Group;
  group->free_forwards();
  group->fill(size);
  group->free_every_other();
  Group* other = waiting[slot].exchange(group, std::memory_order_acq_rel);
  if (other == nullptr) return;
  other->free_forwards();
  delete other;
}

void run(std::size_t rounds) {
  Group group;
  std::size_t turn = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t size = 8; size <= kLargest; size += 8, ++turn) {
      if (turn % 3 == 2) {
        replace_waiting(turn / 3 % kWaiting, size);
        continue;
      }
      group.fill(size);
      if (turn % 3 == 0) {
        group.free_forwards();
      } else {
        group.free_backwards();
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 1);
  const std::size_t rounds = args.scaled(1600) / threads;
  args.finish();
  run_threads(threads, [rounds](std::size_t) { run(rounds); });
  for (std::atomic<Group*>& slot : waiting) {
    Group* group = slot.exchange(nullptr);
    if (group == nullptr) continue;
    group->free_forwards();
    delete group;
  }
}
