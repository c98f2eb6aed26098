// Fuzz target: tests the slab layer over the fake of the page layer. It uses magazines of size classes and of named
// caches, depots and slob, and the system sometimes has no memory. Each object is filled, must overlap no other, and
// must keep its contents. When all objects are returned, no page may be in use.
#include <string.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "fake_page/fake_page.h"
#include "fuzz/sound.h"
#include "slab/cache.h"
#include "slab/slob.h"

namespace ashlar::slab {
namespace {

using ashlar_test::Input;

struct Held {
  size_t bytes = 0;
  unsigned char fill = 0;
  unsigned owner = 0;  // a size class, kNamed + index, or kSlobObject
};
constexpr unsigned kNamed = 256, kSlobObject = 512;
constexpr size_t kMaxObjects = 6000, kMaxBytes = size_t{24} << 20;

class Slabs {
 public:
  explicit Slabs(Input& input) : input_(input), pages_(fake_page::state()) {
    pages_.taken.clear();
    pages_.freed.clear();
  }

  void run() {
    while (!input_.empty()) step();
    pages_.block_budget = SIZE_MAX;
    pages_.metadata_refused = false;
    FUZZ_EXPECT_SOUND(slab::validate());
    while (!held_.empty()) give_some(held_.begin()->second.owner, SIZE_MAX, true);
    for (Handle* const handle : caches_) FUZZ_EXPECT(!destroy(handle, 0));
    shrink();
    for (unsigned i = 1; i < kClasses; ++i) FUZZ_EXPECT(counts(SizeClass(i)).out == 0);
    for (const std::string& error : pages_.errors) fprintf(stderr, "%s\n", error.c_str());
    FUZZ_EXPECT(pages_.errors.empty() && pages_.live_blocks == 0);
  }

 private:
  void step() {
    switch (input_.take(1) % 32) {
      default: take_some(); break;
      case 8 ... 17: give_picked(); break;
      case 18 ... 20: take_named(); break;
      case 21 ... 23: take_slob(); break;
      case 24: resize_slob(); break;
      case 25: make_cache(); break;
      case 26: end_cache(); break;
      case 27: pages_.block_budget = input_.take(1) % 2 == 0 ? SIZE_MAX : input_.below(8); break;
      case 28: pages_.far_below_peak = input_.take(1) % 2 == 0; break;
      case 29: shrink(); break;
      case 30: reap(); break;
      case 31: compare_counts();
    }
    // Checks only what the step touched, since a check of everything takes a millisecond.
    if (touched_ >= kSlobObject) FUZZ_EXPECT_SOUND(slob::validate());
    else if (touched_ != 0 && touched_ < kNamed) FUZZ_EXPECT_SOUND(validate(SizeClass(touched_)));
    touched_ = 0;
  }

  void enter(void* p, const Held& held) {
    const auto start = reinterpret_cast<std::uintptr_t>(p);
    const auto behind = held_.lower_bound(start);
    FUZZ_EXPECT(start % kMinAlign == 0 || held.owner >= kNamed);
    FUZZ_EXPECT(behind == held_.end() || start + held.bytes <= behind->first);
    FUZZ_EXPECT(behind == held_.begin() || std::prev(behind)->first + std::prev(behind)->second.bytes <= start);
    memset(p, held.fill, held.bytes);
    held_.emplace(start, held);
    touched_ = held.owner;
    bytes_ += held.bytes;
  }

  // Removes an object from the book, with its bytes as they were written.
  void* leave(std::map<std::uintptr_t, Held>::iterator it) {
    auto* const bytes = reinterpret_cast<unsigned char*>(it->first);
    const Held& held = it->second;
    FUZZ_EXPECT(bytes[0] == held.fill && memcmp(bytes, bytes + 1, held.bytes - 1) == 0);
    bytes_ -= held.bytes;
    touched_ = held.owner;
    held_.erase(it);
    return bytes;
  }

  [[nodiscard]] bool is_full() const { return held_.size() > kMaxObjects || bytes_ > kMaxBytes; }
  unsigned char next_fill() { return ++fill_; }

  // Returns the objects of a magazine, whose list must be as long as its count says.
  void enter_magazine(const Magazine& magazine, std::uint32_t link, size_t bytes, unsigned owner) {
    std::uint32_t n = 0;
    for (Object *object = magazine.first, *next = nullptr; object != nullptr; object = next, ++n) {
      next = object->next;
      FUZZ_EXPECT(n < magazine.count);
      enter(reinterpret_cast<char*>(object) - link, {bytes, next_fill(), owner});
    }
    FUZZ_EXPECT(n == magazine.count);
  }

  void take_some() {
    const SizeClass c(static_cast<unsigned>(1 + input_.below(kClasses - 1)));
    if (is_full()) return give_picked();
    enter_magazine(take(c, static_cast<std::uint32_t>(1 + input_.below(info_of(c).magazine))), 0, size_of(c), c.raw);
  }

  void take_named() {
    if (caches_.empty() || is_full()) return;
    const size_t i = input_.take(1) % caches_.size();
    NamedCache& named = *caches_[i]->named;
    const Magazine magazine = take(named, static_cast<std::uint32_t>(1 + input_.below(named.info.magazine)), NodeId(0));
    enter_magazine(magazine, named.info.link, caches_[i]->size, kNamed + static_cast<unsigned>(i));
  }

  void give_picked() {
    if (held_.empty()) return;
    const auto it =
        held_.lower_bound(held_.begin()->first + (held_.rbegin()->first - held_.begin()->first) / 256 * input_.take(1));
    give_some(it == held_.end() ? held_.begin()->second.owner : it->second.owner, input_.take(1),
              input_.take(1) % 4 == 0);
  }

  // Returns up to `most` objects of an owner to the allocator, which the input picks.
  void give_some(unsigned owner, size_t most, bool to_slabs) {
    Magazine magazine;
    const std::uint32_t link = owner >= kNamed && owner < kSlobObject ? caches_[owner - kNamed]->named->info.link : 0;
    const std::uint32_t room = owner == kSlobObject ? 16
                               : owner >= kNamed    ? caches_[owner - kNamed]->named->info.magazine
                                                    : info_of(SizeClass(owner)).magazine;
    const size_t take_all = most == SIZE_MAX ? 0 : 3;
    size_t pattern = most;
    for (auto it = held_.begin(); it != held_.end() && magazine.count < room;) {
      const auto here = it++;
      pattern = pattern * 5 + 1;
      if (here->second.owner != owner || (pattern >> 4 & take_all) == 3) continue;
      void* const p = leave(here);
      if (owner == kSlobObject) {
        slob::release(p, "free()");
        continue;
      }
      auto* const object = reinterpret_cast<Object*>(static_cast<char*>(p) + link);
      object->next = magazine.first;
      magazine.first = object;
      ++magazine.count;
    }
    if (!magazine) return;
    if (owner >= kNamed) {
      NamedCache& named = *caches_[owner - kNamed]->named;
      if (to_slabs) return_to_slabs(named, magazine, "free()");
      else return_to_depot(named, magazine, "free()");
    } else {
      if (to_slabs) return_to_slabs(SizeClass(owner), magazine, "free()");
      else return_to_depot(SizeClass(owner), magazine, "free()");
    }
  }

  void take_slob() {
    const size_t bytes = input_.size(14) % (slob::kMaxBytes + 1), alignment = size_t{16} << input_.take(1) % 9;
    if (is_full()) return;
    void* const p = slob::allocate(bytes, alignment, page::node_at(NodeId(0)));
    if (p == nullptr) return FUZZ_EXPECT(pages_.block_budget == 0);
    FUZZ_EXPECT(reinterpret_cast<std::uintptr_t>(p) % alignment == 0 && slob::holds(p));
    FUZZ_EXPECT(slob::usable_bytes(p, "free()") >= bytes);
    enter(p, {slob::usable_bytes(p, "free()"), next_fill(), kSlobObject});
  }

  void resize_slob() {
    const auto it =
        std::find_if(held_.begin(), held_.end(), [](const auto& held) { return held.second.owner == kSlobObject; });
    const size_t bytes = input_.size(14) % (slob::kMaxBytes + 1);
    if (it == held_.end()) return;
    const size_t old = it->second.bytes;
    void* const p = leave(it);
    const bool done = slob::resize(p, bytes);
    FUZZ_EXPECT(done || bytes > old);
    const size_t now = slob::usable_bytes(p, "free()");
    FUZZ_EXPECT(now >= (done ? bytes : old));
    enter(p, {now, next_fill(), kSlobObject});
  }

  void make_cache() {
    const std::string name = "cache-" + std::to_string(++names_);
    Wanted wanted;
    wanted.name = name;
    wanted.size = 1 + input_.size(15);
    wanted.alignment = input_.take(1) % 2 == 0 ? 0 : size_t{1} << input_.take(1) % 13;
    wanted.ctor = input_.take(1) % 2 == 0 ? nullptr : +[](void*) {};
    wanted.line_aligned = input_.take(1) % 4 == 0;
    wanted.may_merge = input_.take(1) % 2 == 0;
    Made made{};
    if (caches_.size() >= 12) return;
    Handle* const handle = create(wanted, made);
    FUZZ_EXPECT((handle != nullptr) == (made == Made::kDone));
    if (handle == nullptr) return;
    FUZZ_EXPECT(known(handle) == handle && handle->size == wanted.size && handle->named->usable >= wanted.size);
    caches_.push_back(handle);
  }

  // Of caches that share their slabs any one may be destroyed. The last one may be destroyed only if nothing is in use.
  void end_cache() {
    if (caches_.empty()) return;
    Handle* const handle = caches_.back();
    const auto same = static_cast<size_t>(
        std::count_if(caches_.begin(), caches_.end(), [&](const Handle* h) { return h->number == handle->number; }));
    const auto owner = kNamed + static_cast<unsigned>(caches_.size() - 1);
    const auto used =
        std::any_of(held_.begin(), held_.end(), [&](const auto& held) { return held.second.owner == owner; });
    if (used && same > 1) return;  // its objects would have no owner in the book
    const std::uint64_t left = destroy(handle, 0).objects;
    FUZZ_EXPECT((left != 0) == used);
    if (left == 0) {
      FUZZ_EXPECT(known(handle) == nullptr);
      caches_.pop_back();
    }
  }

  void compare_counts() {
    std::vector<size_t> live(kClasses);
    for (const auto& [start, held] : held_) live[held.owner < kNamed ? held.owner : 0] += 1;
    for (unsigned i = 1; i < kClasses; ++i) {
      const CacheCounts n = counts(SizeClass(i));
      FUZZ_EXPECT(n.out == live[i] + n.depot_objects && n.out <= n.capacity);
    }
  }

  Input& input_;
  fake_page::State& pages_;
  std::map<std::uintptr_t, Held> held_;
  std::vector<Handle*> caches_;
  size_t bytes_ = 0;
  unsigned touched_ = 0;  // the owner of what moved last; 0: nothing moved
  unsigned names_ = 0;
  unsigned char fill_ = 0;
};

}  // namespace
}  // namespace ashlar::slab

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return ashlar_test::run_target<ashlar::slab::Slabs>(data, size);
}
