// Fuzz target: tests the kernel's allocators as the ashlar_ functions offer them: named caches, blocks of pages, areas
// and pools. Some calls must be refused, and all use the same heap as malloc. Misuse must set errno and change nothing.
#include <errno.h>
#include <string.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "ashlar/cache.h"
#include "ashlar/mempool.h"
#include "ashlar/pages.h"
#include "ashlar/vmalloc.h"
#include "fuzz/input.h"
#include "support/payload.h"

namespace {

using ashlar_test::Block;
using ashlar_test::Input;

constexpr size_t kMaxLive = size_t{64} << 20;

struct Cache {
  ashlar_cache* handle;
  size_t size, align;
  bool constructed;
};

struct Pool {
  ashlar_mempool* pool;
  size_t size;  // of an element
};

enum class Kind { kMalloc, kObject, kPages, kExact, kArea, kElement };

struct Held {
  Block block;
  Kind kind;
  size_t of;  // order of kPages; index of the cache or pool
};

class Kernel {
 public:
  explicit Kernel(Input& input) : input_(input) {}

  void run() {
    while (!input_.empty()) step();
    while (!held_.empty()) end(held_.begin());
    for (const Pool& pool : pools_) ashlar_mempool_destroy(pool.pool);
    for (const Cache& cache : caches_) FUZZ_EXPECT(ashlar_cache_destroy(cache.handle) == 0);
  }

 private:
  using Book = std::map<std::uintptr_t, Held>;

  void step() {
    switch (input_.take(1) % 32) {
      default: end(pick()); break;
      case 0 ... 6: make_object(); break;
      case 7 ... 9: make_pages(); break;
      case 10: make_exact(); break;
      case 11 ... 12: make_area(); break;
      case 13: resize_area(); break;
      case 14 ... 15: make_element(); break;
      case 16: make_cache(); break;
      case 17: end_cache(); break;
      case 18: make_pool(); break;
      case 19: look(); break;
      case 20: misuse(); break;
      case 21 ... 22: make_plain(); break;
      case 23: make_bulk(); break;
      case 24:
        if (!caches_.empty()) ashlar_cache_shrink(caches_[input_.take(1) % caches_.size()].handle);
        break;
    }
  }

  Book::iterator pick() {
    if (held_.empty()) return held_.end();
    return std::next(held_.begin(), static_cast<long>(input_.take(2) % held_.size()));
  }

  void enter(void* p, size_t size, size_t align, Kind kind, size_t of) {
    FUZZ_EXPECT(p != nullptr);
    const auto start = reinterpret_cast<std::uintptr_t>(p);
    FUZZ_EXPECT(start % std::max<size_t>(align, 16) == 0);
    const auto behind = held_.lower_bound(start);
    FUZZ_EXPECT(behind == held_.end() || start + std::max<size_t>(size, 1) <= behind->first);
    FUZZ_EXPECT(behind == held_.begin() || std::prev(behind)->first + std::prev(behind)->second.block.size <= start);
    const Block block = {static_cast<unsigned char*>(p), size, ++seed_};
    ashlar_test::fill_payload(block);
    held_[start] = {block, kind, of};
    bytes_ += size;
  }

  Held leave(Book::iterator it) {
    const Held held = it->second;
    FUZZ_EXPECT(ashlar_test::payload_intact(held.block));
    bytes_ -= held.block.size;
    held_.erase(it);
    return held;
  }

  // Frees it by its own function, or by free if that is promised. Keeps errno.
  void end(Book::iterator it) {
    if (it == held_.end()) return;
    const Held held = leave(it);
    void* const p = held.block.p;
    const bool plain = input_.take(1) % 4 == 0;
    errno = 4711;
    switch (held.kind) {
      case Kind::kMalloc: ashlar_free(p); break;
      case Kind::kObject:
        if (caches_[held.of].constructed) memset(p, 0x11, held.block.size);
        plain ? ashlar_free(p) : ashlar_cache_free(caches_[held.of].handle, p);
        break;
      case Kind::kPages: ashlar_free_pages(ashlar_virt_to_page(p), static_cast<unsigned>(held.of)); break;
      case Kind::kExact: ashlar_free_pages_exact(p, held.block.size); break;
      case Kind::kArea: plain ? ashlar_free(p) : ashlar_vfree(p); break;
      case Kind::kElement: ashlar_mempool_free(p, pools_[held.of].pool); break;
    }
    FUZZ_EXPECT(errno == 4711);
  }

  void make_plain() {
    const size_t size = input_.size(18);
    if (bytes_ + size < kMaxLive) enter(ashlar_malloc(size), size, 16, Kind::kMalloc, 0);
  }

  void make_object() {
    if (caches_.empty()) return;
    const size_t i = input_.take(1) % caches_.size();
    const Cache& cache = caches_[i];
    if (bytes_ + cache.size > kMaxLive) return;
    const bool zeroed = !cache.constructed && input_.take(1) % 4 == 0;
    void* const p = zeroed ? ashlar_cache_zalloc(cache.handle) : ashlar_cache_alloc(cache.handle);
    FUZZ_EXPECT(p != nullptr);
    const auto* const bytes = static_cast<unsigned char*>(p);
    FUZZ_EXPECT(!zeroed || ashlar_test::all_zero(bytes, cache.size));
    FUZZ_EXPECT(!cache.constructed || (bytes[0] == 0x11 && memcmp(bytes, bytes + 1, cache.size - 1) == 0));
    FUZZ_EXPECT(ashlar_malloc_usable_size(p) >= cache.size);
    enter(p, cache.size, cache.align, Kind::kObject, i);
  }

  void make_bulk() {
    if (caches_.empty()) return;
    const size_t i = input_.take(1) % caches_.size(), count = input_.take(1) % 64;
    if (bytes_ + caches_[i].size * count > kMaxLive) return;
    void* objects[64];
    const size_t got = ashlar_cache_alloc_bulk(caches_[i].handle, count, objects);
    FUZZ_EXPECT(got == count);
    for (size_t k = 0; k < got; ++k) enter(objects[k], caches_[i].size, caches_[i].align, Kind::kObject, i);
  }

  void make_pages() {
    const auto order = static_cast<unsigned>(input_.below(10)), flags = static_cast<unsigned>(input_.take(1) % 2);
    const size_t bytes = ASHLAR_PAGE_SIZE << order;
    if (bytes_ + bytes > kMaxLive) return;
    ashlar_page* const page = ashlar_alloc_pages(order, flags);
    auto* const p = static_cast<unsigned char*>(ashlar_page_address(page));
    FUZZ_EXPECT(p != nullptr && ashlar_virt_to_page(p) == page);
    FUZZ_EXPECT(flags == 0 || ashlar_test::all_zero(p, bytes));
    enter(p, bytes, std::min(bytes, size_t{2} << 20), Kind::kPages, order);
  }

  void make_exact() {
    const size_t bytes = 1 + input_.size(22);
    if (bytes_ + bytes < kMaxLive) enter(ashlar_alloc_pages_exact(bytes, 0), bytes, 4096, Kind::kExact, 0);
  }

  void make_area() {
    const size_t bytes = 1 + input_.size(22);
    if (bytes_ + bytes > kMaxLive) return;
    void* const p = input_.take(1) % 2 == 0 ? ashlar_vmalloc(bytes) : ashlar_vzalloc(bytes);
    FUZZ_EXPECT(p != nullptr && ashlar_is_vmalloc_addr(p) == 1 && ashlar_virt_to_page(p) == nullptr);
    FUZZ_EXPECT(ashlar_test::all_zero(static_cast<unsigned char*>(p), bytes));
    enter(p, bytes, 4096, Kind::kArea, 0);
  }

  void resize_area() {
    const auto it =
        std::find_if(held_.begin(), held_.end(), [](auto& held) { return held.second.kind == Kind::kArea; });
    const size_t bytes = 1 + input_.size(22);
    if (it == held_.end() || bytes_ + bytes > kMaxLive) return;
    const Block old = leave(it).block;
    void* const p = ashlar_vrealloc(old.p, bytes, static_cast<unsigned>(input_.take(1) % 2));
    FUZZ_EXPECT(p != nullptr);
    FUZZ_EXPECT(ashlar_test::check_payload({static_cast<unsigned char*>(p), old.size, old.seed}, bytes) == old.size);
    enter(p, bytes, 4096, Kind::kArea, 0);
  }

  void make_element() {
    if (pools_.empty()) return;
    const size_t i = input_.take(1) % pools_.size();
    if (bytes_ + pools_[i].size > kMaxLive) return;
    enter(ashlar_mempool_alloc(pools_[i].pool, 0), pools_[i].size, 16, Kind::kElement, i);
  }

  void make_cache() {
    if (caches_.size() >= 12) return;
    const size_t size = 1 + input_.size(input_.take(1) % 8 == 0 ? 18 : 12);
    const size_t align = input_.take(1) % 2 == 0 ? 0 : size_t{1} << input_.take(1) % 13;
    const bool constructed = input_.take(1) % 3 == 0;
    const auto flags = static_cast<unsigned>(input_.take(1) % 4);
    const std::string name = "fuzz-" + std::to_string(++names_);
    const auto constructor = [](void* object) { memset(object, 0x11, ashlar_malloc_usable_size(object)); };
    if (size > ASHLAR_CACHE_SIZE_MAX) return;
    ashlar_cache* const handle =
        ashlar_cache_create(name.c_str(), size, align, flags, constructed ? +constructor : nullptr);
    FUZZ_EXPECT(handle != nullptr && ashlar_cache_size(handle) == size && name == ashlar_cache_name(handle));
    caches_.push_back({handle, size, align, constructed});
  }

  // Destroys the last one, so that the numbers of the others stay. It must refuse while something of it is in use.
  void end_cache() {
    if (caches_.empty()) return;
    const size_t i = caches_.size() - 1;
    const auto uses = [&](const auto& held) { return held.second.kind == Kind::kObject && held.second.of == i; };
    if (std::any_of(held_.begin(), held_.end(), uses)) return;
    FUZZ_EXPECT(ashlar_cache_destroy(caches_[i].handle) == 0);
    caches_.pop_back();
  }

  void make_pool() {
    if (pools_.size() >= 6) return;
    const int reserve = 1 + static_cast<int>(input_.take(1) % 20);
    const size_t size = 1 + input_.size(12);
    if (input_.take(1) % 2 == 0) pools_.push_back({ashlar_mempool_create_kmalloc_pool(reserve, size), size});
    else pools_.push_back({ashlar_mempool_create_page_pool(reserve, 1), 2 * ASHLAR_PAGE_SIZE});
    FUZZ_EXPECT(pools_.back().pool != nullptr);
    FUZZ_EXPECT(ashlar_mempool_resize(pools_.back().pool, 1 + static_cast<int>(input_.take(1) % 20)) == 0);
  }

  // Checks what is reported about an address within a block.
  void look() {
    const auto it = pick();
    if (it == held_.end() || it->second.block.size == 0) return;  // a block of 0 bytes is on no page
    const Held& held = it->second;
    ashlar_page_info info{};
    const unsigned char* const inside = held.block.p + (held.block.size == 0 ? 0 : input_.take(3) % held.block.size);
    FUZZ_EXPECT(ashlar_page_describe(inside, &info) == 0);
    const auto start = reinterpret_cast<std::uintptr_t>(info.start), at = reinterpret_cast<std::uintptr_t>(inside);
    FUZZ_EXPECT(start <= at && at < start + info.bytes && info.state != ASHLAR_PAGE_FREE);
    if (held.kind == Kind::kArea) FUZZ_EXPECT(info.state == ASHLAR_PAGE_VMALLOC && info.start == held.block.p);
    if (held.kind == Kind::kPages) FUZZ_EXPECT(info.state == ASHLAR_PAGE_BLOCK && info.start == held.block.p);
    if (held.kind == Kind::kPages) FUZZ_EXPECT(info.order == held.of && info.bytes == held.block.size);
  }

  // Calls that must be refused, as the headers promise.
  void misuse() {
    unsigned char here[64] = {};
    const auto it = pick();
    void* const p = it == held_.end() ? here : it->second.block.p;
    const bool is_pages = it != held_.end() && it->second.kind == Kind::kPages;
    const bool is_area = it != held_.end() && it->second.kind == Kind::kArea;
    errno = 0;
    switch (input_.take(1) % 8) {
      case 0: FUZZ_EXPECT(ashlar_cache_create("none", 0, 0, 0, nullptr) == nullptr && errno == EINVAL); break;
      case 1: FUZZ_EXPECT(ashlar_cache_create("none", 8, 3, 0, nullptr) == nullptr && errno == EINVAL); break;
      case 2:
        FUZZ_EXPECT(ashlar_alloc_pages(14 + static_cast<unsigned>(input_.take(1)), 0) == nullptr && errno == EINVAL);
        break;
      case 3:
        if (is_pages) ashlar_free_pages(ashlar_virt_to_page(p), static_cast<unsigned>(it->second.of + 1));
        else ashlar_free_pages_exact(here, 64);
        FUZZ_EXPECT(errno == EINVAL);
        break;
      case 4:
        if (is_area) break;
        ashlar_vfree(p);
        FUZZ_EXPECT(errno == EINVAL);
        break;
      case 5: FUZZ_EXPECT(is_area || (ashlar_vrealloc(p, 5000, 0) == nullptr && errno == EINVAL)); break;
      case 6: FUZZ_EXPECT(ashlar_mempool_create_kmalloc_pool(0, 8) == nullptr && errno == EINVAL); break;
      default:
        if (caches_.empty()) break;
        FUZZ_EXPECT(ashlar_cache_create(ashlar_cache_name(caches_[0].handle), 0, 0, 0, nullptr) == nullptr &&
                    errno == EINVAL);
    }
    FUZZ_EXPECT(it == held_.end() || ashlar_test::payload_intact(it->second.block));
  }

  Input& input_;
  Book held_;
  std::vector<Cache> caches_;
  std::vector<Pool> pools_;
  size_t bytes_ = 0;
  uint64_t seed_ = 0;
  unsigned names_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return ashlar_test::run_target<Kernel>(data, size);
}
