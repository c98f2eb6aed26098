// Producers and consumers: one thread allocates, another frees.
// Idea: C. Lever and D. Boreham, "malloc() performance in a multithreaded Linux environment", USENIX 2000, and its
// descendant xmalloc-test (in mimalloc-bench). Producers fill batches and put them on a bounded queue. Consumers take
// batches off and free every block. Shows how memory returns to the thread that needs it. Designs without a way back
// grow, or pay for each block.
//   --pairs N   producers, and as many consumers (default 1)
//   --size N    bytes per block; 0: random, 16 to 1024 (default 64)
//   --batches N of 1024 blocks, in all (default 48000)

#include <condition_variable>
#include <mutex>

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

constexpr std::size_t kBatch = 1024;

struct Batch {
  Block blocks[kBatch];
};

// Holds at most kCapacity batches, which bounds how far producers run ahead.
class Queue {
 public:
  explicit Queue(std::size_t producers) : producers_(producers) {}

  void put(Batch* batch) {
    std::unique_lock lock(mutex_);
    not_full_.wait(lock, [this] { return count_ < kCapacity; });
    ring_[(first_ + count_++) % kCapacity] = batch;
    not_empty_.notify_one();
  }
  // nullptr once every producer is done and the queue is empty.
  Batch* take() {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [this] { return count_ > 0 || producers_ == 0; });
    if (count_ == 0) return nullptr;
    Batch* batch = ring_[first_];
    first_ = (first_ + 1) % kCapacity;
    --count_;
    not_full_.notify_one();
    return batch;
  }
  void producer_done() {
    const std::lock_guard lock(mutex_);
    if (--producers_ == 0) not_empty_.notify_all();
  }

 private:
  static constexpr std::size_t kCapacity = 64;
  std::mutex mutex_;
  std::condition_variable not_full_;
  std::condition_variable not_empty_;
  Batch* ring_[kCapacity] = {};
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::size_t producers_;
};

void produce(Queue& queue, std::size_t seed, std::size_t batches, std::size_t size) {
  Rng rng(seed + 3);
  for (std::size_t i = 0; i < batches; ++i) {
    auto* batch = new Batch;
    for (Block& block : batch->blocks) block.fill(size != 0 ? size : rng.skewed(16, 1024));
    queue.put(batch);
  }
  queue.producer_done();
}

void consume(Queue& queue) {
  while (Batch* batch = queue.take()) {
    for (Block& block : batch->blocks) block.drop();
    delete batch;
  }
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t pairs = args.positive("pairs", 1);
  const std::size_t size = args.count("size", 64);
  const std::size_t batches = args.scaled(args.positive("batches", 48'000)) / pairs;
  args.finish();
  Queue queue(pairs);
  run_threads(2 * pairs, [&](std::size_t index) {
    if (index < pairs) {
      produce(queue, index, batches, size);
    } else {
      consume(queue);
    }
  });
}
