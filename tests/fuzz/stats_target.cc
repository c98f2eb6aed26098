// Fuzz target: compares the figures of the snapshot with what the program holds, after blocks of all sizes and objects
// of named caches are allocated and freed, and checks that the line of JSON is valid JSON for every name of a cache.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "ashlar/ashlar.h"
#include "ashlar/cache.h"
#include "fuzz/input.h"
#include "stats/stats.h"

namespace ashlar::stats {
namespace {

using ashlar_test::Input;

// Returns what report_json writes to stderr.
std::string json() {
  const int file = memfd_create("fuzz_stats", MFD_CLOEXEC), kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  dup2(file, STDERR_FILENO);
  report_json();
  dup2(kept, STDERR_FILENO);
  close(kept);
  std::string text(static_cast<size_t>(lseek(file, 0, SEEK_END)), '\0');
  FUZZ_EXPECT(pread(file, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  close(file);
  return text;
}

// Follows the grammar of RFC 8259 for what can come up: objects, arrays, texts and whole numbers.
class Grammar {
 public:
  explicit Grammar(std::string_view text) : text_(text) {}
  bool is_document() { return value() && text_ == "\n"; }

 private:
  bool take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  bool value() {
    if (take('{')) return members('}', true);
    if (take('[')) return members(']', false);
    if (!text_.empty() && text_.front() == '"') return text();
    const size_t digits = std::min(text_.find_first_not_of("0123456789"), text_.size());
    text_.remove_prefix(digits);
    return digits != 0;
  }

  bool members(char end, bool named) {
    if (take(end)) return true;
    do {
      if (named && !(text() && take(':'))) return false;
      if (!value()) return false;
    } while (take(','));
    return take(end);
  }

  bool text() {
    if (!take('"')) return false;
    while (!text_.empty() && text_.front() != '"') {
      if (static_cast<unsigned char>(text_.front()) < ' ') return false;
      if (take('\\') && text_.find_first_of("\"\\/bfnrt") != 0) return false;
      if (!character()) return false;
    }
    return take('"');
  }

  // Takes one character, which is to be UTF-8.
  bool character() {
    if (text_.empty()) return false;
    const auto lead = static_cast<unsigned char>(text_.front());
    const size_t more = lead < 0x80                   ? 0
                        : lead >= 0xc2 && lead < 0xe0 ? 1
                        : lead >= 0xe0 && lead < 0xf0 ? 2
                        : lead >= 0xf0 && lead < 0xf5 ? 3
                                                      : 9;
    if (more > 3 || text_.size() <= more) return false;
    for (size_t i = 1; i <= more; ++i) {
      if ((static_cast<unsigned char>(text_[i]) & 0xc0) != 0x80) return false;
    }
    text_.remove_prefix(more + 1);
    return true;
  }

  std::string_view text_;
};

class Figures {
 public:
  explicit Figures(Input& input) : input_(input), before_(live()) {}

  void run() {
    for (int steps = 0; steps < 60 && !input_.empty(); ++steps) step();
    if (!caches_.empty()) FUZZ_EXPECT(Grammar(json()).is_document());
    while (!blocks_.empty()) end(0);
    for (Cache& cache : caches_) {
      for (void* const object : cache.objects) ashlar_cache_free(cache.cache, object);
      ashlar_cache_destroy(cache.cache);
    }
    FUZZ_EXPECT(live() == before_);
  }

 private:
  struct Cache {
    ashlar_cache* cache;
    size_t object_size;
    std::vector<void*> objects;
  };

  // Bytes that the program holds.
  static std::uint64_t live() {
    ashlar_stats figures;
    fill(figures);
    return figures.live_slab + figures.live_runs + figures.live_vmalloc;
  }

  void step() {
    switch (input_.take(1) % 8) {
      default: make(); break;
      case 3 ... 4:
        if (!blocks_.empty()) end(input_.take(1) % blocks_.size());
        break;
      case 5: make_cache(); break;
      case 6: make_object(); break;
      case 7: end_object();
    }
    FUZZ_EXPECT(live() == before_ + held_);
  }

  void make() {
    void* const p = ashlar_malloc(1 + input_.size(22));
    if (p == nullptr) return;
    blocks_.push_back(p);
    held_ += ashlar_malloc_usable_size(p);
  }

  void end(size_t i) {
    held_ -= ashlar_malloc_usable_size(blocks_[i]);
    ashlar_free(blocks_[i]);
    blocks_[i] = blocks_.back();
    blocks_.pop_back();
  }

  void make_cache() {
    std::string name;
    for (size_t n = 1 + input_.below(20); n > 0; --n) {
      const size_t byte = input_.take(1);
      if (byte >= ' ' && byte != 0x7f) name += static_cast<char>(byte);  // control characters are refused
    }
    const size_t size = 1 + input_.below(3000);
    if (caches_.size() > 5) return;
    ashlar_cache* const cache = ashlar_cache_create(name.c_str(), size, 0, 0, nullptr);
    if (cache == nullptr) return;
    ashlar_cache_stats figures;
    FUZZ_EXPECT(ashlar_cache_snapshot(cache, &figures) == 0 && figures.object_size >= size);
    caches_.push_back({cache, figures.object_size, {}});
  }

  void make_object() {
    if (caches_.empty()) return;
    Cache& cache = caches_[input_.take(1) % caches_.size()];
    void* const object = ashlar_cache_alloc(cache.cache);
    if (object == nullptr) return;
    cache.objects.push_back(object);
    held_ += cache.object_size;
  }

  void end_object() {
    if (caches_.empty()) return;
    Cache& cache = caches_[input_.take(1) % caches_.size()];
    if (cache.objects.empty()) return;
    ashlar_cache_free(cache.cache, cache.objects.back());
    cache.objects.pop_back();
    held_ -= cache.object_size;
  }

  Input& input_;
  std::uint64_t before_, held_ = 0;
  std::vector<void*> blocks_;
  std::vector<Cache> caches_;
};

}  // namespace
}  // namespace ashlar::stats

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return ashlar_test::run_target<ashlar::stats::Figures>(data, size);
}
