// Implements image_source.h.
#include "fuzz/image_source.h"

#include <string.h>
#include <sys/auxv.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "ashlar/ashlar.h"
#include "ashlar/cache.h"
#include "ashlar/pages.h"
#include "ashlar/vmalloc.h"
#include "heap/bins.h"
#include "page/zone.h"
#include "stats/format.h"
#include "tool/reader/maps.h"
#include "vmalloc/areas.h"

namespace ashlar_test {

using namespace ashlar;
using namespace ashlar::reader;

namespace {

std::vector<void*> kept;  // the blocks in the heap

void fill_some(size_t rounds) {
  std::vector<void*> freed;
  for (size_t i = 0; i < rounds; ++i) {
    void* const p = ashlar_malloc(16 + i * 97 % 3000 * (i % 7 == 0 ? 12 : 1));
    FUZZ_EXPECT(p != nullptr);
    (i % 3 == 0 ? freed : kept).push_back(p);
  }
  for (void* const p : freed) ashlar_free(p);
}

uint64_t address_of(const void* p) { return reinterpret_cast<uintptr_t>(p); }

}  // namespace

void build_heap() {
  if (!kept.empty()) return;
  fill_some(3000);
  std::thread(fill_some, 500).join();
  ashlar_cache* const one = ashlar_cache_create("one", 200, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  ashlar_cache* const two = ashlar_cache_create("two", 5000, 64, 0, [](void* object) { memset(object, 1, 8); });
  for (int i = 0; i < 200; ++i) {
    kept.push_back(ashlar_cache_alloc(one));
    kept.push_back(ashlar_cache_alloc(two));
    if (i % 4 == 0) ashlar_cache_free(two, kept.back());
  }
  for (size_t i = 1; i < 12; ++i) kept.push_back(ashlar_vmalloc(i * 10000));
  for (unsigned i = 0; i < 20; ++i) kept.push_back(ashlar_malloc(40000 + 9000 * i));
  for (size_t i = kept.size() - 20; i < kept.size(); i += 3) ashlar_free(kept[i]);
  FUZZ_EXPECT(ashlar_alloc_pages(3, 0) != nullptr);
}

ImageSource::ImageSource() : entry_(getauxval(AT_ENTRY)) {
  static const std::vector<Mapping> all = [] {
    std::ifstream file("/proc/self/maps");
    return parse_smaps(std::string(std::istreambuf_iterator<char>(file), {}));
  }();
  mappings_ = all;
  const auto add = [this](const void* start, size_t bytes) {
    regions_.push_back({address_of(start), address_of(start) + bytes});
  };
  add(&ashlar_root, sizeof ashlar_root);
  for (const format::TableInfo& table : ashlar_root.tables) {
    add(table.start, std::min<size_t>(size_t{table.stride} * table.count, 16384));
  }
  for (uint16_t i = 0; i < page::arena_table.count; ++i) {
    add(page::arenas[i].descriptors, size_t{1} << 16);
    add(page::arenas[i].dirty, 256);
  }
  for (const heap::Heap* heap = heap::heaps.live.front(); heap != nullptr; heap = heap->next) add(heap, sizeof *heap);
  for (const auto* area : vmalloc::table.buckets) {
    if (area != nullptr) add(area, sizeof *area);
  }
}

void ImageSource::change(Input& input) {
  while (!input.empty()) {
    const Range& region = regions_[input.take(1) % regions_.size()];
    const uint64_t at = region.start + input.take(2) % region.bytes();
    const size_t way = input.take(1);
    if (way % 2 == 0) {
      set_byte(at, static_cast<uint8_t>(input.take(1)));
      continue;
    }
    // A word is a number of some size, or the start of another structure.
    const Range& other = regions_[input.take(1) % regions_.size()];
    const uint64_t numbers[] = {input.take(2), other.start + input.take(1) * 8, ~uint64_t{0} - input.take(1),
                                input.take(6)};
    const uint64_t word = numbers[way / 2 % 4];
    for (unsigned i = 0; i < 8; ++i) set_byte(at / 8 * 8 + i, static_cast<uint8_t>(word >> 8 * i));
  }
}

void ImageSource::read_all(std::span<Piece> pieces) {
  for (Piece& piece : pieces) {
    bytes_read_ += piece.bytes;
    iovec to = {piece.to, piece.bytes}, from = {reinterpret_cast<void*>(piece.address), piece.bytes};
    piece.done = process_vm_readv(getpid(), &to, 1, &from, 1, 0) == static_cast<ssize_t>(piece.bytes);
    if (!piece.done) continue;
    for (auto it = changed_.lower_bound(piece.address); it != changed_.end() && it->first - piece.address < piece.bytes;
         ++it) {
      static_cast<uint8_t*>(piece.to)[it->first - piece.address] = it->second;
    }
  }
}

bool ImageSource::pages(Range range, std::vector<PageStretch>& into) {
  if (!pages_known_) return false;
  for (const Mapping& mapping : mappings_) {
    const uint64_t start = std::max(mapping.start, range.start), end = std::min(mapping.end, range.end);
    if (mapping.readable && start < end) into.push_back({{start, end}, PageStretch::State::kResident});
  }
  return true;
}

void ImageSource::contents(Range range, std::vector<Range>& into) {
  std::vector<Range> ordered = regions_;
  std::sort(ordered.begin(), ordered.end(), [](const Range& a, const Range& b) { return a.start < b.start; });
  for (const Range& region : ordered) {
    const uint64_t start = std::max(region.start, range.start), end = std::min(region.end, range.end);
    if (start < end) into.push_back({start, end});
  }
}

std::vector<ThreadState> ImageSource::threads() {
  std::vector<uint64_t> registers;
  for (const Range& region : regions_) registers.push_back(region.start);
  return {{1, regions_.back().start, registers, true}};
}

}  // namespace ashlar_test
