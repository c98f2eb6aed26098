// A long-lived server with a slowly shifting size mix.
// Idea: operators of caches report that memory grows when the size of the typical value changes over days; and the
// servers of P. Larson and M. Krishnan, ISMM 1998. Workers answer requests. A request has some short-lived buffers and
// a look-up, and every other request adds an entry to a bounded cache, which evicts random older ones. The typical
// entry drifts from 64 bytes to 4 KiB and back, while live bytes stay constant. Shows the resident set over time and
// whether it follows live data. Hours of such a server are compressed into seconds.
//   --threads N   workers (default 4)    --mib N   live bytes of the cache (default 64)

#include <atomic>
#include <mutex>

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/report.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

// One part of the cache. Entries are in no order. An eviction takes a random one, whichever thread allocated it.
class Shard {
 public:
  void insert(Block entry, std::size_t limit, Rng& rng) {
    const std::lock_guard lock(mutex_);
    bytes_ += entry.size;
    entries_.push_back(entry);
    while (bytes_ > limit) evict(rng.below(entries_.size()));
  }
  void look_up(Rng& rng) {
    const std::lock_guard lock(mutex_);
    if (entries_.empty()) return;
    const Block& entry = entries_[rng.below(entries_.size())];
    check(entry.data, entry.size);
  }
  void clear() {
    while (!entries_.empty()) evict(entries_.size() - 1);
  }
  std::size_t bytes() const { return bytes_; }

 private:
  void evict(std::size_t index) {
    bytes_ -= entries_[index].size;
    entries_[index].drop();
    entries_[index] = entries_.back();
    entries_.pop_back();
  }

  std::mutex mutex_;
  std::vector<Block> entries_;
  std::size_t bytes_ = 0;
};

constexpr std::size_t kShards = 16;
Shard shards[kShards];

// A triangle wave in octaves: 64 bytes at the start, 4 KiB half-way, 64 bytes at the end.
std::size_t typical_size(std::size_t done, std::size_t all) {
  constexpr std::size_t kSteps = 6 * 1024;  // six octaves
  const std::size_t position = done * 2 * kSteps / all;
  const std::size_t step = position < kSteps ? position : 2 * kSteps - position;
  const std::size_t base = std::size_t{64} << (step / 1024);
  return base + base * (step % 1024) / 1024;
}

void handle_request(Rng& rng, std::size_t typical, std::size_t limit) {
  Block header;
  Block line;
  Block reply;
  header.fill(rng.between(100, 600));
  line.fill(rng.between(8, 80));
  shards[rng.below(kShards)].look_up(rng);
  reply.fill(rng.skewed(64, 8192));
  if (rng.one_in(2)) {
    Block entry;
    entry.fill(rng.between(typical / 2, typical * 3 / 2));
    shards[rng.below(kShards)].insert(entry, limit, rng);
  }
  line.drop();
  header.drop();
  reply.drop();
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 4);
  const std::size_t limit = (args.positive("mib", 64) << 20) / kShards;
  const std::size_t requests = args.scaled(14'000'000);
  args.finish();
  // Requests are drawn from one counter, so that the mix shifts for all workers together.
  constexpr std::size_t kDraw = 256;
  std::atomic<std::size_t> drawn{0};
  run_threads(threads, [&](std::size_t index) {
    Rng rng(index + 29);
    for (std::size_t at = drawn.fetch_add(kDraw); at < requests; at = drawn.fetch_add(kDraw)) {
      const std::size_t typical = typical_size(at, requests);
      for (std::size_t i = 0; i < kDraw; ++i) handle_request(rng, typical, limit);
    }
  });
  double live_kib = 0;
  for (const Shard& shard : shards) live_kib += static_cast<double>(shard.bytes()) / 1024;
  metric("rss_by_live", resident_kib() / live_kib, "ratio", "lower");
  for (Shard& shard : shards) shard.clear();
}
