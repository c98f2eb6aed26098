// A key-value store of the LSM kind, with memtables that are dropped at once and a cache of blocks.
// Idea: RocksDB and LevelDB. Writers put entries of 50 bytes to 1 KiB into a memtable, a skip list whose nodes are
// blocks. When it is full, a separate thread writes it as tables and frees all its nodes. Each block of 4 to 16 KiB of
// a table is a buffer. Readers look into memtables, then into a cache of blocks, which drops the least recently used
// block and reads it again when it is needed. Shows whole generations of small blocks that are freed by another thread,
// beside buffers of a few pages that are replaced in random order.
//   --threads N   clients (default 4), beside the one that writes tables    --mib N   a memtable (default 4)

#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

constexpr unsigned kLevels = 10;
constexpr std::size_t kKeys = 1 << 18;
constexpr std::size_t kCached = std::size_t{48} << 20;  // bytes

// Key, links and value in one block, whose size depends on its level and value.
struct Node {
  std::uint32_t key, value_bytes;
  unsigned levels;
  Node* next[1];
  [[nodiscard]] unsigned char* value() { return reinterpret_cast<unsigned char*>(next + levels); }
};

std::size_t bytes_of(unsigned levels, std::size_t value) {
  return offsetof(Node, next) + levels * sizeof(Node*) + value;
}

class Memtable {
 public:
  Memtable() : head_(make(0, 0, kLevels)) {}
  Memtable(const Memtable&) = delete;
  Memtable& operator=(const Memtable&) = delete;
  ~Memtable() {
    for (Node* node = head_; node != nullptr;) std::free(std::exchange(node, node->next[0]));
  }

  // A key that is present gets another entry, as a new version.
  void put(std::uint32_t key, std::uint32_t value_bytes, Rng& rng) {
    unsigned levels = 1;
    while (levels < kLevels && rng.one_in(4)) ++levels;
    Node* const node = make(key, value_bytes, levels);
    std::memset(node->value(), static_cast<int>(key & 255), value_bytes);
    Node* at = head_;
    for (unsigned level = kLevels; level-- > 0;) {
      while (at->next[level] != nullptr && at->next[level]->key < key) at = at->next[level];
      if (level >= levels) continue;
      node->next[level] = at->next[level];
      at->next[level] = node;
    }
    bytes_ += bytes_of(levels, value_bytes);
  }

  [[nodiscard]] bool has(std::uint32_t key) const {
    Node* at = head_;
    for (unsigned level = kLevels; level-- > 0;) {
      while (at->next[level] != nullptr && at->next[level]->key < key) at = at->next[level];
    }
    at = at->next[0];
    if (at == nullptr || at->key != key) return false;
    if (at->value_bytes > 0) expect(at->value()[at->value_bytes - 1] == (key & 255), "a value changed");
    return true;
  }

  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] const Node* first() const { return head_->next[0]; }

 private:
  static Node* make(std::uint32_t key, std::uint32_t value_bytes, unsigned levels) {
    auto* const node = static_cast<Node*>(std::malloc(bytes_of(levels, value_bytes)));
    expect(node != nullptr, "malloc returned NULL");
    node->key = key;
    node->value_bytes = value_bytes;
    node->levels = levels;
    for (unsigned level = 0; level < levels; ++level) node->next[level] = nullptr;
    return node;
  }

  Node* head_;
  std::size_t bytes_ = 0;
};

// Blocks by number. The least recently used one is dropped first.
class BlockCache {
 public:
  // Reads a block that is missing from a table: a buffer in the written form, which is expanded into another.
  void look(std::uint64_t number, Rng& rng) {
    const std::lock_guard lock(mutex_);
    const auto found = blocks_.find(number);
    if (found != blocks_.end()) {
      check(found->second->block.data, found->second->block.size);
      order_.splice(order_.begin(), order_, found->second);
      return;
    }
    Block compressed;
    compressed.fill(rng.between(1500, 8192));
    insert(number, rng.between(4096, 16384));
    compressed.drop();
  }

  void add(std::uint64_t number, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    insert(number, bytes);
  }

  void drop_all() {
    while (!order_.empty()) drop_last();
  }

 private:
  struct Entry {
    std::uint64_t number;
    Block block;
  };

  void insert(std::uint64_t number, std::size_t bytes) {
    order_.push_front({number, {}});
    order_.front().block.fill(bytes);
    bytes_ += bytes;
    blocks_.insert_or_assign(number, order_.begin());
    while (bytes_ > kCached) drop_last();
  }

  void drop_last() {
    Entry& last = order_.back();
    bytes_ -= last.block.size;
    last.block.drop();
    const auto found = blocks_.find(last.number);
    if (found != blocks_.end() && &*found->second == &last) blocks_.erase(found);
    order_.pop_back();
  }

  std::mutex mutex_;
  std::list<Entry> order_;
  std::unordered_map<std::uint64_t, std::list<Entry>::iterator> blocks_;
  std::size_t bytes_ = 0;
};

class Store {
 public:
  explicit Store(std::size_t memtable_bytes) : limit_(memtable_bytes), live_(std::make_unique<Memtable>()) {}

  void put(std::uint32_t key, std::uint32_t bytes, Rng& rng) {
    std::unique_lock lock(mutex_);
    live_->put(key, bytes, rng);
    if (live_->bytes() < limit_) return;
    changed_.wait(lock, [this] { return full_ == nullptr; });  // writers wait for tables, as in these stores
    full_ = std::exchange(live_, std::make_unique<Memtable>());
    changed_.notify_all();
  }

  void get(std::uint32_t key, Rng& rng) {
    {
      const std::lock_guard lock(mutex_);
      if (live_->has(key) || (full_ != nullptr && full_->has(key))) return;
    }
    cache_.look(key / 16, rng);
  }

  // The thread that writes tables.
  void write_tables() {
    for (std::uint64_t table = 1;; ++table) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return full_ != nullptr || ends_; });
      if (full_ == nullptr) return;
      Memtable* const written = full_.get();
      lock.unlock();
      write_table(*written, table << 32);
      lock.lock();
      const std::unique_ptr<Memtable> dropped = std::move(full_);
      changed_.notify_all();
      lock.unlock();
    }
  }

  void end() {
    const std::lock_guard lock(mutex_);
    ends_ = true;
    changed_.notify_all();
  }

  void drop_cache() { cache_.drop_all(); }

 private:
  void write_table(const Memtable& table, std::uint64_t number) {
    std::vector<unsigned char> block;
    for (const Node* node = table.first(); node != nullptr; node = node->next[0]) {
      const auto* const value = const_cast<Node*>(node)->value();
      block.insert(block.end(), value, value + node->value_bytes);
      if (block.size() < 4096 && node->next[0] != nullptr) continue;
      cache_.add(number++, block.size());
      block = {};
    }
  }

  std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<Memtable> live_, full_;
  bool ends_ = false;
  BlockCache cache_;
};

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 4);
  const std::size_t mib = args.positive("mib", 4);
  const std::size_t calls = args.scaled(4'000'000) / threads + 1;
  args.finish();
  Store store(mib << 20);
  std::thread writer([&] { store.write_tables(); });
  run_threads(threads, [&](std::size_t index) {
    Rng rng(index + 99);
    for (std::size_t i = 0; i < calls; ++i) {
      const auto key = static_cast<std::uint32_t>(rng.below(rng.one_in(3) ? kKeys : kKeys / 64));
      if (rng.one_in(2)) store.put(key, static_cast<std::uint32_t>(rng.skewed(32, 1024)), rng);
      else store.get(key, rng);
    }
  });
  store.end();
  writer.join();
  store.drop_cache();
}
