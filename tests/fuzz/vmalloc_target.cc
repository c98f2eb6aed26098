// Fuzz target: tests large blocks over fakes of the page and os layers: allocation, resizing, look-ups and freeing,
// while the system refuses some calls. When all blocks are freed, no address space may be left.
#include <iterator>
#include <map>
#include <string>

#include "fake_os/fake_os.h"
#include "fake_page/fake_page.h"
#include "fuzz/sound.h"
#include "vmalloc/vmalloc.h"

namespace ashlar::vmalloc {
namespace {

using ashlar_test::Input;

class Areas {
 public:
  explicit Areas(Input& input) : input_(input), os_(fake_os::state()) {
    fake_os::reset();
    os_.unmap_needs_no_lock = true;
    os_.page_bytes = size_t{4096} << 2 * (input_.take(1) % 3);
  }

  void run() {
    while (!input_.empty()) step();
    while (!blocks_.empty()) end(blocks_.begin());
    fake_page::state().metadata_refused = false;
    for (const std::string& error : os_.errors) fprintf(stderr, "%s\n", error.c_str());
    FUZZ_EXPECT(os_.errors.empty() && fake_os::reserved_bytes() == 0);
    FUZZ_EXPECT(counts().areas == 0 && counts().bytes == 0 && fake_page::state().outside_pages == 0);
  }

 private:
  using Blocks = std::map<std::uintptr_t, size_t>;

  void step() {
    switch (input_.take(1) % 16) {
      default: make(); break;
      case 5 ... 8:
        if (const auto it = pick(); it != blocks_.end()) end(it);
        break;
      case 9 ... 11: change(); break;
      case 12 ... 13: look(); break;
      case 14: refuse(); break;
      case 15: os_.skew = input_.below(1024) * os_.page_bytes;
    }
    FUZZ_EXPECT_SOUND(validate());
    FUZZ_EXPECT(counts().areas == blocks_.size() && counts().bytes == bytes_);
    FUZZ_EXPECT(fake_page::state().outside_pages * kPageBytes == bytes_);
  }

  // The result is a size of whole OS pages for any input.
  void enter(void* p, size_t bytes) {
    const auto start = reinterpret_cast<std::uintptr_t>(p);
    const size_t whole = round_up(bytes, os_.page_bytes);
    FUZZ_EXPECT(bytes_of(p) == whole && fake_os::is_committed(start, whole));
    FUZZ_EXPECT(!fake_os::is_committed(start + whole, os_.page_bytes));  // the guard page
    const auto behind = blocks_.lower_bound(start);
    FUZZ_EXPECT(behind == blocks_.end() || start + whole <= behind->first);
    FUZZ_EXPECT(behind == blocks_.begin() || std::prev(behind)->first + std::prev(behind)->second <= start);
    blocks_[start] = whole;
    bytes_ += whole;
  }

  Blocks::iterator pick() {
    if (blocks_.empty()) return blocks_.end();
    return std::next(blocks_.begin(), static_cast<long>(input_.take(1) % blocks_.size()));
  }

  void make() {
    const size_t bytes = 1 + input_.size(24), alignment = size_t{1} << input_.take(1) % 30;
    if (blocks_.size() > 300) return;
    void* const p = alloc(bytes, alignment);
    if (p == nullptr) return FUZZ_EXPECT(refusing_);
    FUZZ_EXPECT(reinterpret_cast<std::uintptr_t>(p) % alignment == 0);
    enter(p, bytes);
  }

  void end(Blocks::iterator it) {
    const auto [start, bytes] = *it;
    blocks_.erase(it);
    bytes_ -= bytes;
    FUZZ_EXPECT(free(reinterpret_cast<void*>(start)) && bytes_of(reinterpret_cast<void*>(start)) == 0);
    FUZZ_EXPECT(!free(reinterpret_cast<void*>(start)));
  }

  void change() {
    const auto it = pick();
    const size_t bytes = 1 + input_.size(24);
    if (it == blocks_.end()) return;
    const auto [start, old] = *it;
    void* const p = resize(reinterpret_cast<void*>(start), bytes);
    if (p == nullptr) return FUZZ_EXPECT(refusing_ && bytes_of(reinterpret_cast<void*>(start)) == old);
    blocks_.erase(start);
    bytes_ -= old;
    enter(p, bytes);
  }

  void look() {
    const auto it = pick();
    if (it == blocks_.end()) return;
    const std::uintptr_t address = it->first + input_.take(3) % (2 * it->second);
    const auto& [start, bytes] = *std::prev(blocks_.upper_bound(address));
    const void* found = nullptr;
    size_t found_bytes = 0;
    const bool is_found = find_around(reinterpret_cast<void*>(address), found, found_bytes);
    FUZZ_EXPECT(is_found == (address < start + bytes));
    if (is_found) FUZZ_EXPECT(found == reinterpret_cast<void*>(start) && found_bytes == bytes);
    FUZZ_EXPECT(address == start || (bytes_of(reinterpret_cast<void*>(address)) == 0));
  }

  void refuse() {
    const size_t bits = input_.take(1);
    os_.largest_reserve = bits % 4 == 0 ? size_t{1} << input_.take(1) % 30 : SIZE_MAX;
    os_.commit_budget = bits / 4 % 4 == 0 ? input_.size(24) : SIZE_MAX;
    os_.refuse_remap = bits / 16 % 4 == 0;
    fake_page::state().metadata_refused = bits / 64 == 0;
    refusing_ = bits % 4 == 0 || bits / 4 % 4 == 0 || bits / 16 % 4 == 0 || bits / 64 == 0;
  }

  Input& input_;
  fake_os::State& os_;
  Blocks blocks_;
  size_t bytes_ = 0;
  bool refusing_ = false;
};

}  // namespace
}  // namespace ashlar::vmalloc

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return ashlar_test::run_target<ashlar::vmalloc::Areas>(data, size);
}
