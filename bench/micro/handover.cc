// Cross-thread frees: blocks are allocated by one thread and freed by another.

#include <array>
#include <atomic>
#include <thread>

#include "common.h"

namespace ashlar::micro {
namespace {

constexpr std::size_t kBatch = 256;
using Batch = std::array<void*, kBatch>;

// A ring for one sender and one receiver. Both yield while they wait, as they may share a core.
class Channel {
 public:
  void send(const Batch& batch) {
    const std::size_t at = sent_.load(std::memory_order_relaxed);
    while (at - received_.load(std::memory_order_acquire) == kCapacity) std::this_thread::yield();
    slots_[at % kCapacity] = batch;
    sent_.store(at + 1, std::memory_order_release);
  }
  // Returns false when the ring is empty and the sender has finished.
  bool receive(Batch& batch) {
    const std::size_t at = received_.load(std::memory_order_relaxed);
    while (sent_.load(std::memory_order_acquire) == at) {
      if (closed_.load(std::memory_order_acquire) && sent_.load(std::memory_order_acquire) == at) return false;
      std::this_thread::yield();
    }
    batch = slots_[at % kCapacity];
    received_.store(at + 1, std::memory_order_release);
    return true;
  }
  void close() { closed_.store(true, std::memory_order_release); }

 private:
  static constexpr std::size_t kCapacity = 16;
  std::array<Batch, kCapacity> slots_{};
  alignas(64) std::atomic<std::size_t> sent_{0};
  alignas(64) std::atomic<std::size_t> received_{0};
  std::atomic<bool> closed_{false};
};

// The benchmark's thread allocates and a partner thread frees. Each thread has a partner of its own.
void free_elsewhere(benchmark::State& state) {
  const std::size_t size = argument(state);
  Channel channel;
  std::thread partner([&channel] {
    Batch batch;
    while (channel.receive(batch)) {
      for (void* p : batch) std::free(p);
    }
  });
  Batch batch;
  for (auto _ : state) {
    for (void*& p : batch) {
      p = std::malloc(size);
      write_first(p);
    }
    channel.send(batch);
  }
  channel.close();
  partner.join();
  count_pairs(state, kBatch);
}
BENCHMARK(free_elsewhere)->ArgName("size")->Arg(64)->Arg(1024)->Arg(8192)->UseRealTime();
BENCHMARK(free_elsewhere)->Name("free_elsewhere_pairs")->ArgName("size")->Arg(64)->ThreadRange(1, 8)->UseRealTime();

// Threads swap blocks through a shared table, so that any block may be freed by any thread.
void swap_through_table(benchmark::State& state) {
  constexpr std::size_t kSlots = 1024;
  static std::array<std::atomic<void*>, kSlots> table{};
  Random random(static_cast<std::uint64_t>(state.thread_index()) + 1);
  for (auto _ : state) {
    void* p = std::malloc(16 + random.below(512));
    write_first(p);
    std::free(table[random.below(kSlots)].exchange(p, std::memory_order_acq_rel));
  }
  count_pairs(state);
}
BENCHMARK(swap_through_table)->Apply(with_threads);

// The whole life of a thread: start, first call, last call, exit.
void thread_lives(benchmark::State& state) {
  for (auto _ : state) {
    std::thread([] {
      void* p = std::malloc(64);
      write_first(p);
      std::free(p);
    }).join();
  }
}
BENCHMARK(thread_lives)->UseRealTime();

}  // namespace
}  // namespace ashlar::micro
