// tool, reader: the model's caches, depots and threads' heaps.
#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "tool/reader/builder.h"

namespace ashlar::reader {

namespace {

constexpr std::size_t kMaxHeaps = 1 << 18;
constexpr std::uint32_t kMaxDepotMagazines = 4096;

}  // namespace

// Class c is model_.caches[c]: block_at relies on it. Class 0 is none.
void Builder::add_caches() {
  const std::vector<char> entries = read_table(Table::kCaches, found_.root.classes);
  for (unsigned c = 0; c < found_.root.classes; ++c) {
    const char* const entry = entries.data() + std::size_t{c} * found_.stride(Table::kCaches);
    Cache cache;
    cache.number = c;
    cache.is_size_class = true;
    cache.object_size = found_.root.class_sizes[c];
    cache.name = "malloc-" + std::to_string(cache.object_size);
    cache.slabs = value(entry, Field::kCacheSlabs);
    cache.pages = value(entry, Field::kCachePages);
    cache.capacity = value(entry, Field::kCacheCapacity);
    cache.out = value(entry, Field::kCacheOut);
    cache.depot = value(entry, Field::kCacheDepotObjects);
    cache.depot_magazines = value(entry, Field::kCacheDepotCount);
    depots_.push_back({value(entry, Field::kCacheDepot),
                       static_cast<std::uint32_t>(std::min<std::uint64_t>(cache.depot_magazines, kMaxDepotMagazines))});
    model_.caches.push_back(std::move(cache));
  }
}

void Builder::add_depots() {
  const std::size_t stride = found_.size(Field::kMagazineStride);
  for (std::size_t i = 0; i < depots_.size(); ++i) {
    if (depots_[i].address == 0 || depots_[i].count == 0) continue;
    std::vector<char> magazines(depots_[i].count * stride);
    if (!source_.read(depots_[i].address, magazines.data(), magazines.size())) {
      model_.approximate = true;
      continue;
    }
    for (std::size_t at = 0; at < magazines.size(); at += stride) {
      const char* const magazine = magazines.data() + at;
      const auto count = static_cast<std::uint32_t>(value(magazine, Field::kMagazineCount));
      model_.chains.push_back({value(magazine, Field::kMagazineFirst), count, static_cast<std::uint16_t>(i), true});
    }
  }
}

// The list changes while threads come and go: a heap is looked at once, and there are not more than kMaxHeaps.
void Builder::add_heaps() {
  std::uint64_t next = 0;
  if (!source_.read(found_.table(Table::kHeaps), &next, sizeof next)) model_.approximate = true;
  std::unordered_set<std::uint64_t> seen;
  std::vector<char> heap(found_.size(Field::kHeapSize));
  while (next != 0 && model_.heaps.size() < kMaxHeaps) {
    if (!seen.insert(next).second || next % 8 != 0 || !source_.read(next, heap.data(), heap.size())) {
      model_.approximate = true;
      return;
    }
    add_heap(next, heap);
    next = value(heap.data(), Field::kHeapNext);
  }
}

void Builder::add_heap(std::uint64_t address, const std::vector<char>& heap) {
  ThreadHeap info;
  info.address = address;
  info.promised = value(heap.data(), Field::kHeapPromised);
  info.busy = value(heap.data(), Field::kHeapBusy) != 0;
  for (unsigned c = 1; c < found_.root.classes; ++c) {
    const char* const bin = heap.data() + found_.offset(Field::kHeapBins) + c * found_.size(Field::kBinStride);
    std::uint64_t first = 0;
    std::uint16_t room = 0;
    std::memcpy(&first, heap.data() + found_.offset(Field::kHeapFirst) + c * sizeof first, sizeof first);
    std::memcpy(&room, heap.data() + found_.offset(Field::kHeapRoom) + c * sizeof room, sizeof room);
    const auto capacity = static_cast<std::uint32_t>(value(bin, Field::kBinCapacity));
    const auto previous = static_cast<std::uint32_t>(value(bin, Field::kBinPreviousCount));
    const std::uint32_t loaded = capacity > room ? capacity - room : 0;
    Cache& cache = model_.caches[c];
    cache.magazines += loaded + previous;
    cache.magazine_limit = std::max(cache.magazine_limit, static_cast<std::uint32_t>(value(bin, Field::kBinLimit)));
    info.cached += std::uint64_t{loaded + previous} * cache.object_size;
    const auto number = static_cast<std::uint16_t>(c);
    if (first != 0) model_.chains.push_back({first, loaded, number, false});
    if (previous != 0) model_.chains.push_back({value(bin, Field::kBinPrevious), previous, number, false});
  }
  model_.heaps.push_back(info);
}

// What slabs hold by their descriptors. Where it differs from the caches' own figures something changed meanwhile.
void Builder::count_slabs() {
  struct Sum {
    std::uint64_t slabs = 0, pages = 0, capacity = 0, out = 0;
  };
  std::vector<Sum> sums(model_.caches.size());
  for (Arena& arena : model_.arenas) {
    for (Block& block : arena.blocks) {
      if (block.use != Use::kSlab) continue;
      const bool known = block.cache < model_.caches.size() && model_.caches[block.cache].object_size != 0;
      const std::uint64_t size = known ? model_.caches[block.cache].object_size : 0;
      if (!known || block.in_use + block.free_objects > block.capacity ||
          block.capacity * size > std::uint64_t{block.pages} * kPage) {
        block.use = Use::kUnknown;
        block.cache = kNoCache;
        model_.approximate = true;
        continue;
      }
      Cache& cache = model_.caches[block.cache];
      Sum& sum = sums[block.cache];
      ++sum.slabs;
      sum.pages += block.pages;
      sum.capacity += block.capacity;
      sum.out += block.in_use;
      cache.free_objects += block.free_objects;
      cache.active_slabs += block.in_use != 0 ? 1 : 0;
      cache.max_order = std::max<std::uint32_t>(cache.max_order, block.order);
    }
  }
  for (std::size_t c = 0; c < sums.size(); ++c) {
    Cache& cache = model_.caches[c];
    const Sum& sum = sums[c];
    if (sum.slabs != cache.slabs || sum.capacity != cache.capacity || sum.out != cache.out) model_.approximate = true;
    cache.slabs = sum.slabs;
    cache.pages = sum.pages;
    cache.capacity = sum.capacity;
    cache.out = sum.out;
  }
}

// Makes figures fit that were read one after another.
void Builder::settle() {
  count_slabs();
  for (Cache& cache : model_.caches) {
    if (cache.magazines + cache.depot <= cache.out) continue;
    model_.approximate = true;
    cache.depot = std::min(cache.depot, cache.out);
    cache.magazines = std::min(cache.magazines, cache.out - cache.depot);
  }
  for (const Cache& cache : model_.caches) model_.serving = model_.serving || cache.out != 0;
  model_.serving = model_.serving || !model_.areas.empty();
  for (Zone& zone : model_.zones) {
    const auto option = [&](std::string_view name) {
      for (const Option& o : model_.options) {
        if (o.name == name) return o.value;
      }
      return std::uint64_t{0};
    };
    // Zone::high_watermark
    const std::uint64_t live = zone.live();
    zone.high_watermark = option("dirty_min") / kPage + zone.recent_max_live / 100 * option("dirty_ratio") +
                          (zone.recent_max_live > live ? zone.recent_max_live - live : 0);
    zone.low_watermark = zone.high_watermark / 4 * 3;
  }
}

}  // namespace ashlar::reader
