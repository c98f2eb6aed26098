// Fuzz target: tests the heap over the real layers. It uses the fast path and every way of allocating, resizing and
// freeing, in threads that start, take over blocks and end, while options change and caches are shrunk. At the end each
// object must be accounted for.
#include <string.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <thread>

#include "fuzz/sound.h"
#include "heap/heap.h"
#include "support/payload.h"

namespace ashlar::heap {
namespace {

using ashlar_test::Block;
using ashlar_test::Input;

constexpr size_t kMaxLive = size_t{96} << 20;

class Heaps {
 public:
  explicit Heaps(Input& input) : input_(input) {}

  void run() {
    while (!input_.empty()) step();
    while (!live_.empty()) put(live_.begin());
    if (options.perturb != 0) set_perturb(0);
    heap::shrink();
    compare_counts();
    FUZZ_EXPECT_SOUND(slab::validate());
    FUZZ_EXPECT_SOUND(vmalloc::validate());
    FUZZ_EXPECT_SOUND(page::validate());
  }

 private:
  using Blocks = std::map<std::uintptr_t, Block>;

  void step() {
    switch (input_.take(1) % 32) {
      default: get(); break;
      case 10 ... 18: put(pick()); break;
      case 19 ... 22: change(); break;
      case 23 ... 24: get_aligned(); break;
      case 25: get_growing(); break;
      case 26: compare_counts(); break;
      case 27: heap::shrink(); break;
      case 28: page::reclaim_all(); break;
      case 29: in_a_thread(); break;
      case 30: set_perturb(input_.take(1) % 4 == 0 ? input_.take(1) : 0); break;
      case 31: find(); break;
    }
    FUZZ_EXPECT_SOUND(validate());
  }

  // The next steps run in another thread, which then ends.
  void in_a_thread() {
    if (nested_) return;
    nested_ = true;
    std::thread([this] {
      for (size_t steps = 1 + input_.take(1) % 32; steps > 0 && !input_.empty(); --steps) step();
    }).join();
    nested_ = false;
  }

  void enter(void* p, size_t size, size_t alignment) {
    FUZZ_EXPECT(p != nullptr);
    const auto start = reinterpret_cast<std::uintptr_t>(p);
    FUZZ_EXPECT(start % std::max(alignment, kMinAlign) == 0 && usable_bytes(p, "free()") >= size);
    const size_t room = std::max<size_t>(size, 1);
    const auto behind = live_.lower_bound(start);
    FUZZ_EXPECT(behind == live_.end() || start + room <= behind->first);
    FUZZ_EXPECT(behind == live_.begin() || std::prev(behind)->first + std::prev(behind)->second.size <= start);
    const Block block = {static_cast<unsigned char*>(p), size, ++seed_};
    ashlar_test::fill_payload(block);
    live_[start] = block;
    bytes_ += size;
  }

  Blocks::iterator pick() {
    if (live_.empty()) return live_.end();
    const std::uintptr_t low = live_.begin()->first, high = live_.rbegin()->first;
    const auto it = live_.lower_bound(low + (high - low) / 65536 * input_.take(2));
    return it == live_.end() ? live_.begin() : it;
  }

  void get() {
    const size_t size = input_.size(input_.take(1) % 16 == 0 ? 23 : 16);
    if (bytes_ + size > kMaxLive) return;
    void* p = pop(size);
    bool zeroed = false;
    if (p == nullptr) p = input_.take(1) % 2 == 0 ? allocate(size) : allocate_maybe_zeroed(size, zeroed);
    if (zeroed) FUZZ_EXPECT(p != nullptr && ashlar_test::all_zero(static_cast<unsigned char*>(p), size));
    enter(p, size, 1);
  }

  void get_aligned() {
    const size_t size = input_.size(17), alignment = size_t{1} << input_.take(1) % 23;
    if (bytes_ + size + alignment > kMaxLive) return;
    enter(allocate_aligned(size, alignment), size, alignment);
  }

  void get_growing() {
    const size_t size = 1 + input_.size(21);
    if (bytes_ + size > kMaxLive) return;
    enter(allocate_growing(size), size, 1);
  }

  void put(Blocks::iterator it) {
    if (it == live_.end()) return;
    void* const p = it->second.p;
    FUZZ_EXPECT(ashlar_test::payload_intact(it->second));
    bytes_ -= it->second.size;
    live_.erase(it);
    if (!push(p)) FUZZ_EXPECT(release(p, "free()"));
  }

  // Resizes in place or by moving pages. Otherwise the block stays unchanged.
  void change() {
    const auto it = pick();
    const size_t size = 1 + input_.size(22);
    if (it == live_.end() || bytes_ + size > kMaxLive) return;
    const Block old = it->second;
    void* const p = resize(old.p, size);
    if (p == nullptr) return FUZZ_EXPECT(ashlar_test::payload_intact(old));
    FUZZ_EXPECT(ashlar_test::check_payload({static_cast<unsigned char*>(p), old.size, old.seed}, size) == old.size);
    bytes_ -= old.size;
    live_.erase(it);
    enter(p, size, 1);
  }

  // Addresses that are not the heap's.
  void find() {
    char here = 0;
    FUZZ_EXPECT(usable_bytes(&here, "free()") == 0 && !release(&here, "free()"));
    FUZZ_EXPECT(!release(reinterpret_cast<void*>(input_.take(5) << 8 & ~std::uintptr_t{15} & 0xffffffffff), "free()"));
  }

  void set_perturb(size_t byte) {
    options.perturb = byte;
    options_changed();
  }

  // With one thread and nothing else running, an object that is out of its slab is live, in a magazine, or in a depot.
  void compare_counts() {
    if (nested_) return;
    std::uint64_t objects[slab::kClasses] = {};
    for (const auto& [start, block] : live_) ++objects[page::class_of(block.p).raw];
    const Counts threads = counts();
    for (unsigned c = 1; c < slab::kClasses; ++c) {
      const slab::CacheCounts n = slab::counts(SizeClass(c));
      FUZZ_EXPECT(n.out == objects[c] + threads.cached[c] + n.depot_objects);
    }
  }

  Input& input_;
  Blocks live_;
  size_t bytes_ = 0;
  uint64_t seed_ = 0;
  bool nested_ = false;
};

}  // namespace
}  // namespace ashlar::heap

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return ashlar_test::run_target<ashlar::heap::Heaps>(data, size);
}
