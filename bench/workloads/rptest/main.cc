// Random sizes with cross-thread frees.
// Idea: rpmalloc-benchmark by Mattias Jansson (in mimalloc-bench as rptest).
// Each thread replaces random blocks of its table, sizes up to 16 KB; every few loops it collects blocks into a
// parcel that the next thread in a ring frees. Shows the price of remote frees among many live sizes.
//   --threads N   (default 4)    --every N   loops between parcels (default 2)

#include <atomic>

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

constexpr std::size_t kBlocks = 1000;   // a thread's table
constexpr std::size_t kReplaced = 200;  // blocks replaced in one loop

struct Parcel {
  Parcel* next;
  Block blocks[kReplaced];
};

void unpack(Parcel* parcel) {
  for (Block& block : parcel->blocks) block.drop();
  delete parcel;
}

// One sender, one receiver that always takes the whole list: no ABA.
struct alignas(64) Inbox {
  // A receiver that is not scheduled must not let memory pile up, or peak memory would measure the scheduler.
  static constexpr std::size_t kCapacity = 8;
  std::atomic<Parcel*> first{nullptr};
  std::atomic<std::size_t> waiting{0};

  void send(Parcel* parcel) {
    if (waiting.load(std::memory_order_relaxed) >= kCapacity) return unpack(parcel);
    waiting.fetch_add(1, std::memory_order_relaxed);
    parcel->next = first.load(std::memory_order_relaxed);
    while (!first.compare_exchange_weak(parcel->next, parcel, std::memory_order_release, std::memory_order_relaxed)) {
    }
  }
  void open_all() {
    Parcel* parcel = first.exchange(nullptr, std::memory_order_acquire);
    while (parcel != nullptr) {
      Parcel* next = parcel->next;
      unpack(parcel);
      waiting.fetch_sub(1, std::memory_order_relaxed);
      parcel = next;
    }
  }
};

std::size_t random_size(Rng& rng) { return rng.one_in(4) ? rng.between(8, 16000) : rng.skewed(8, 1024); }

void run(Inbox& own, Inbox& next, std::size_t seed, std::size_t loops, std::size_t every) {
  Rng rng(seed + 13);
  std::vector<Block> blocks(kBlocks);
  for (Block& block : blocks) block.fill(random_size(rng));
  for (std::size_t loop = 0; loop < loops; ++loop) {
    own.open_all();
    Parcel* parcel = loop % every == 0 ? new Parcel{} : nullptr;
    for (std::size_t i = 0; i < kReplaced; ++i) {
      Block& block = blocks[rng.below(kBlocks)];
      if (parcel != nullptr) {
        std::swap(block, parcel->blocks[i]);
        block.fill(random_size(rng));
      } else {
        block.replace(random_size(rng));
      }
    }
    if (parcel != nullptr) next.send(parcel);
  }
  for (Block& block : blocks) block.drop();
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 4);
  const std::size_t every = args.positive("every", 2);
  const std::size_t loops = args.scaled(48'000) / threads;
  args.finish();
  std::vector<Inbox> inboxes(threads);
  run_threads(threads,
              [&](std::size_t index) { run(inboxes[index], inboxes[(index + 1) % threads], index, loops, every); });
  for (Inbox& inbox : inboxes) inbox.open_all();
}
