// Fuzz target: tests checked blocks of all sizes and alignments: allocation, resizing, look-ups and freeing, with the
// checks of slab_debug or those of harden. What the program writes outside of its blocks, or into freed ones, has to be
// found, and nothing else may be. After each step the structures must be whole.
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <iterator>
#include <map>
#include <utility>

#include "base/options.h"
#include "check/check.h"
#include "fuzz/sound.h"

namespace ashlar::check {
namespace {

using ashlar_test::Input;

// For a scope, what is reported goes nowhere.
class Unheard {
 public:
  Unheard() : kept_(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) {
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
  }
  ~Unheard() {
    dup2(kept_, STDERR_FILENO);
    close(kept_);
  }
  Unheard(const Unheard&) = delete;
  Unheard& operator=(const Unheard&) = delete;

 private:
  int kept_;
};

// The layer is started once in a process, with red zones and poison.
void start_once() {
  static bool started = false;
  if (std::exchange(started, true)) return;
  options.slab_debug = 7;
  options.debug_continue = 1;
  start();
}

class Blocks {
 public:
  explicit Blocks(Input& input) : input_(input) { start_once(); }

  void run() {
    for (int steps = 0; steps < 100 && !input_.empty(); ++steps) step();
    while (!blocks_.empty()) end(blocks_.begin());
    FUZZ_EXPECT(validate() == 0);
  }

 private:
  struct Block {
    size_t size;
    unsigned char fill;
    Form form;
  };
  using Live = std::map<unsigned char*, Block>;

  void step() {
    switch (input_.take(1) % 16) {
      default: make(); break;
      case 6 ... 10:
        if (const auto it = pick(); it != blocks_.end()) end(it);
        break;
      case 11 ... 12: look(); break;
      case 13: FUZZ_EXPECT(validate() == 0); break;
      case 14: damage(); break;
      case 15: free_twice();
    }
    FUZZ_EXPECT_SOUND(validate_structures());
  }

  Live::iterator pick() {
    if (blocks_.empty()) return blocks_.end();
    return std::next(blocks_.begin(), static_cast<long>(input_.take(1) % blocks_.size()));
  }

  void make() {
    const size_t size = input_.size(17), alignment = size_t{1} << input_.take(1) % 14;
    const auto form = static_cast<Form>(input_.take(1) % 3);
    if (blocks_.size() > 200) return;
    bool zeroed = false;
    auto* const p =
        static_cast<unsigned char*>(allocate(size, alignment < kMinAlign ? kMinAlign : alignment, form, zeroed));
    FUZZ_EXPECT(p != nullptr && reinterpret_cast<std::uintptr_t>(p) % alignment == 0);
    const auto next = blocks_.lower_bound(p);
    FUZZ_EXPECT(next == blocks_.end() || p + size <= next->first);
    FUZZ_EXPECT(next == blocks_.begin() || std::prev(next)->first + std::prev(next)->second.size <= p);
    if (zeroed) FUZZ_EXPECT(is_all(p, size, 0));
    const auto fill = static_cast<unsigned char>(input_.take(1));
    memset(p, fill, size);
    blocks_[p] = {size, fill, form};
  }

  static bool is_all(const unsigned char* p, size_t size, unsigned char byte) {
    for (size_t i = 0; i < size; ++i) {
      if (p[i] != byte) return false;
    }
    return true;
  }

  void end(Live::iterator it) {
    const auto [p, block] = *it;
    FUZZ_EXPECT(is_all(p, block.size, block.fill));
    FUZZ_EXPECT(release(p, block.form, input_.take(1) % 2 == 0 ? block.size : kNoSize, "free()"));
    blocks_.erase(it);
  }

  void look() {
    const auto it = pick();
    if (it == blocks_.end() || it->second.size == 0) return;
    size_t bytes = 0;
    FUZZ_EXPECT(owns(it->first) && find(it->first, bytes, "malloc_usable_size()") && bytes == it->second.size);
    SpanAround around;
    if (!find_span(it->first, around)) return;
    const std::uintptr_t at = reinterpret_cast<std::uintptr_t>(it->first) - around.start;
    FUZZ_EXPECT(at + it->second.size <= around.bytes && around.live > 0 && around.live <= around.slots);
  }

  // Writes beyond a block. A check of all blocks has to find it, once, as it repairs what it finds.
  void damage() {
    const auto it = pick();
    if (it == blocks_.end() || it->second.size == 0) return;
    SpanAround around;
    if (!find_span(it->first, around)) return;  // between guards: the write would end the process
    it->first[it->second.size] ^= static_cast<unsigned char>(1 + input_.take(1) % 255);
    const Unheard unheard;
    FUZZ_EXPECT(validate() == 1);
    FUZZ_EXPECT(validate() == 0);
  }

  // A second free is reported, and changes nothing.
  void free_twice() {
    const auto it = pick();
    if (it == blocks_.end() || it->second.size == 0) return;
    unsigned char* const p = it->first;
    const Form form = it->second.form;
    SpanAround around;
    if (!find_span(p, around)) return;
    end(it);
    const Unheard unheard;
    if (owns(p)) FUZZ_EXPECT(release(p, form, kNoSize, "free()"));
  }

  Input& input_;
  Live blocks_;
};

}  // namespace
}  // namespace ashlar::check

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return ashlar_test::run_target<ashlar::check::Blocks>(data, size);
}
