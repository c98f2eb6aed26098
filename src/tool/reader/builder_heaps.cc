// tool, reader: the model's depots and threads' heaps: free objects in magazines.
#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "tool/reader/builder.h"

namespace ashlar::reader {

namespace {

constexpr std::size_t kMaxHeaps = 1 << 18;

template <class T>
T load(const std::vector<char>& bytes, std::size_t at) {
  T n{};
  if (at + sizeof n <= bytes.size()) std::memcpy(&n, bytes.data() + at, sizeof n);
  return n;
}

}  // namespace

void Builder::add_depots() {
  const std::size_t stride = found_.size(Field::kMagazineStride);
  for (const Depot& depot : depots_) {
    if (depot.address == 0 || depot.count == 0) continue;
    std::vector<char> magazines(depot.count * stride);
    if (!source_.read(depot.address, magazines.data(), magazines.size())) {
      model_.approximate = true;
      continue;
    }
    for (std::size_t at = 0; at < magazines.size(); at += stride) {
      const char* const magazine = magazines.data() + at;
      const auto count = static_cast<std::uint32_t>(value(magazine, Field::kMagazineCount));
      model_.chains.push_back(
          {value(magazine, Field::kMagazineFirst), count, static_cast<std::uint16_t>(depot.cache), true});
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

void Builder::add_magazines(ThreadHeap& info, std::size_t number, const Magazines& m) {
  Cache& cache = model_.caches[number];
  cache.magazines += m.loaded + m.behind;
  cache.magazine_limit = std::max(cache.magazine_limit, m.limit);
  info.cached += std::uint64_t{m.loaded + m.behind} * cache.object_size;
  const auto index = static_cast<std::uint16_t>(number);
  if (m.first != 0 && m.loaded != 0) model_.chains.push_back({m.first, m.loaded, index, false});
  if (m.previous != 0 && m.behind != 0) model_.chains.push_back({m.previous, m.behind, index, false});
}

void Builder::add_heap(std::uint64_t address, const std::vector<char>& heap) {
  ThreadHeap info;
  info.address = address;
  info.promised = value(heap.data(), Field::kHeapPromised);
  info.busy = value(heap.data(), Field::kHeapBusy) != 0;
  for (std::size_t c = 1; c < found_.root.classes; ++c) {
    const char* const bin = heap.data() + found_.offset(Field::kHeapBins) + c * found_.size(Field::kBinStride);
    const auto room = load<std::uint16_t>(heap, found_.offset(Field::kHeapRoom) + c * sizeof(std::uint16_t));
    const auto capacity = static_cast<std::uint32_t>(value(bin, Field::kBinCapacity));
    Magazines m;
    m.first = load<std::uint64_t>(heap, found_.offset(Field::kHeapFirst) + c * sizeof(std::uint64_t));
    m.loaded = capacity > room ? capacity - room : 0;
    m.previous = value(bin, Field::kBinPrevious);
    m.behind = static_cast<std::uint32_t>(value(bin, Field::kBinPreviousCount));
    m.limit = static_cast<std::uint32_t>(value(bin, Field::kBinLimit));
    add_magazines(info, c, m);
  }
  if (const std::uint64_t named = value(heap.data(), Field::kHeapNamed)) add_named_bins(info, named);
  model_.heaps.push_back(info);
}

void Builder::add_named_bins(ThreadHeap& info, std::uint64_t address) {
  std::vector<char> bins;
  if (!bytes_.read(address, found_.size(Field::kNamedBinsSize), bins)) model_.approximate = true;
  for (std::size_t number = 1; number < named_.size(); ++number) {
    if (named_[number] == 0) continue;
    const char* const bin =
        bins.data() + found_.offset(Field::kNamedBinsBins) + number * found_.size(Field::kNamedBinStride);
    const auto room = load<std::uint16_t>(bins, found_.offset(Field::kNamedBinsRoom) + number * sizeof(std::uint16_t));
    const auto capacity = static_cast<std::uint32_t>(value(bin, Field::kNamedBinCapacity));
    Magazines m;
    m.first = load<std::uint64_t>(bins, found_.offset(Field::kNamedBinsFirst) + number * sizeof(std::uint64_t));
    m.loaded = capacity > room ? capacity - room : 0;
    m.previous = value(bin, Field::kNamedBinPrevious);
    m.behind = static_cast<std::uint32_t>(value(bin, Field::kNamedBinPreviousCount));
    m.limit = static_cast<std::uint32_t>(value(bin, Field::kNamedBinLimit));
    add_magazines(info, named_[number], m);
  }
}

}  // namespace ashlar::reader
