// tool, reader: the model's depots, processors' stocks and threads' heaps: free objects in magazines.
#include <algorithm>
#include <cstring>
#include <utility>

#include "tool/reader/builder.h"

namespace ashlar::reader {

namespace {

constexpr std::size_t kMaxHeaps = 1 << 18;
constexpr std::size_t kMaxChains = 1 << 22;

template <class T>
T load(const std::vector<char>& bytes, std::size_t at) {
  T n{};
  if (at + sizeof n <= bytes.size()) std::memcpy(&n, bytes.data() + at, sizeof n);
  return n;
}

}  // namespace

// The number of chains is bounded by the bins of threads and the places in depots. A table with more is damaged.
void Builder::add_chain(const Chain& chain) {
  if (chain.first == 0 || chain.count == 0) return;
  if (model_.chains.size() < kMaxChains) model_.chains.push_back(chain);
  else model_.approximate = true;
}

void Builder::add_depots() {
  const std::size_t stride = found_.size(Field::kMagazineStride);
  for (const Depot& depot : depots_) {
    if (depot.address == 0 || depot.count == 0) continue;
    std::vector<char> magazines(depot.count * stride);
    if (!entries_.claim(depot.address, magazines.size()) ||
        !source_.read(depot.address, magazines.data(), magazines.size())) {
      model_.approximate = true;
      continue;
    }
    for (std::size_t at = 0; at < magazines.size(); at += stride) {
      const char* const magazine = magazines.data() + at;
      const auto count = static_cast<std::uint32_t>(value(magazine, Field::kMagazineCount));
      add_chain({value(magazine, Field::kMagazineFirst), count, static_cast<std::uint16_t>(depot.cache), true});
    }
  }
}

// Adds magazines in the stocks of processors. They count as the depot's, as threads exchange magazines through both.
void Builder::add_stocks() {
  if (!found_.has(Table::kStocks) || !found_.has(Field::kPlaceCount)) return;
  const std::vector<char> addresses = read_table(Table::kStocks, found_.count(Table::kStocks));
  const std::size_t bytes = found_.size(Field::kStockShelves), stride = found_.size(Field::kShelfStride);
  std::vector<char> shelves(bytes);
  for (std::size_t at = 0; at + sizeof(std::uint64_t) <= addresses.size(); at += found_.stride(Table::kStocks)) {
    const auto stock = load<std::uint64_t>(addresses, at);
    if (stock == 0) continue;
    const std::uint64_t start = stock + found_.offset(Field::kStockShelves);
    if (!entries_.claim(start, bytes) || !bytes_.read(start, bytes, shelves)) {
      model_.approximate = true;
      continue;
    }
    for (std::size_t c = 1; c < found_.root.classes && (c + 1) * stride <= bytes; ++c) {
      add_shelf(shelves.data() + c * stride, c);
    }
  }
}

void Builder::add_shelf(const char* shelf, std::size_t size_class) {
  const auto bits_of = [&](std::uint64_t place, Field field) {
    return place >> found_.offset(field) & ((std::uint64_t{1} << found_.size(field)) - 1);
  };
  Cache& cache = model_.caches[size_class];
  for (std::size_t at = 0; at + sizeof(std::uint64_t) <= found_.size(Field::kShelfStride);
       at += sizeof(std::uint64_t)) {
    std::uint64_t place = 0;
    std::memcpy(&place, shelf + at, sizeof place);
    const auto count = static_cast<std::uint32_t>(bits_of(place, Field::kPlaceCount));
    if (count == 0) continue;
    cache.depot += count;
    ++cache.depot_magazines;
    add_chain({bits_of(place, Field::kPlaceFirst), count, static_cast<std::uint16_t>(size_class), true});
  }
}

// The list changes while threads start and end, so a heap is read once only, and at most kMaxHeaps are read.
void Builder::add_heaps() {
  std::uint64_t next = 0;
  if (!source_.read(found_.table(Table::kHeaps), &next, sizeof next)) model_.approximate = true;
  std::vector<char> heap(found_.size(Field::kHeapSize));
  while (next != 0 && model_.heaps.size() < kMaxHeaps) {
    if (next % 8 != 0 || !entries_.claim(next, heap.size()) || !source_.read(next, heap.data(), heap.size())) {
      model_.approximate = true;
      return;
    }
    add_heap(next, heap);
    next = value(heap.data(), Field::kHeapNext);
  }
}

// Where bins are in a heap, or in its bins of named caches.
struct Builder::BinFields {
  Field first, room, bins, stride, previous, previous_count, capacity, limit;
};

// The first object of a loaded magazine and its room. The words of all bins lie in an array each, or in pairs.
std::pair<std::uint64_t, std::uint16_t> Builder::loaded_at(const std::vector<char>& bins, Field first, Field room,
                                                           std::size_t index) const {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  const std::size_t first_at = found_.offset(first), room_at = found_.offset(room);
  const bool pairs = room_at == first_at + kWord;
  return {load<std::uint64_t>(bins, first_at + index * (pairs ? 2 * kWord : kWord)),
          load<std::uint16_t>(bins, room_at + index * (pairs ? 2 * kWord : sizeof(std::uint16_t)))};
}

// The bin with an index, of objects of a cache: its loaded magazine and the previous one.
void Builder::add_bin(ThreadHeap& info, const std::vector<char>& bins, const BinFields& fields, std::size_t index,
                      std::size_t number) {
  const char* const bin = bins.data() + found_.offset(fields.bins) + index * found_.size(fields.stride);
  const auto [first, room] = loaded_at(bins, fields.first, fields.room, index);
  const auto capacity = static_cast<std::uint32_t>(value(bin, fields.capacity));
  const std::uint32_t loaded = capacity > room ? capacity - room : 0;
  const std::uint64_t previous = value(bin, fields.previous);
  const auto behind = static_cast<std::uint32_t>(value(bin, fields.previous_count));
  Cache& cache = model_.caches[number];
  cache.magazines += loaded + behind;
  cache.magazine_limit = std::max(cache.magazine_limit, static_cast<std::uint32_t>(value(bin, fields.limit)));
  info.cached += std::uint64_t{loaded + behind} * cache.object_size;
  const auto chain_cache = static_cast<std::uint16_t>(number);
  add_chain({first, loaded, chain_cache, false});
  add_chain({previous, behind, chain_cache, false});
}

void Builder::add_heap(std::uint64_t address, const std::vector<char>& heap) {
  constexpr BinFields kFields = {Field::kHeapFirst,   Field::kHeapRoom,         Field::kHeapBins,    Field::kBinStride,
                                 Field::kBinPrevious, Field::kBinPreviousCount, Field::kBinCapacity, Field::kBinLimit};
  ThreadHeap info;
  info.address = address;
  info.promised = value(heap.data(), Field::kHeapPromised);
  info.busy = value(heap.data(), Field::kHeapBusy) != 0;
  for (std::size_t c = 1; c < found_.root.classes; ++c) add_bin(info, heap, kFields, c, c);
  add_drained_bins(info, heap);
  if (const std::uint64_t named = value(heap.data(), Field::kHeapNamed)) add_named_bins(info, named);
  model_.heaps.push_back(info);
}

// Adds the bins that follow those of the classes, from which only malloc takes (heap/counted.h). Their room is 2^16
// less the objects in them.
void Builder::add_drained_bins(ThreadHeap& info, const std::vector<char>& heap) {
  const std::size_t classes = found_.root.classes;
  if (found_.size(Field::kHeapFirst) < 2 * classes * sizeof(std::uint64_t)) return;
  for (std::size_t c = 1; c < classes; ++c) {
    const auto [first, room] = loaded_at(heap, Field::kHeapFirst, Field::kHeapRoom, classes + c);
    if (first == 0 || room == 0) continue;
    const std::uint32_t left = (std::uint32_t{1} << 16) - room;
    Cache& cache = model_.caches[c];
    cache.magazines += left;
    info.cached += std::uint64_t{left} * cache.object_size;
    add_chain({first, left, static_cast<std::uint16_t>(c), false});
  }
}

void Builder::add_named_bins(ThreadHeap& info, std::uint64_t address) {
  constexpr BinFields kFields = {Field::kNamedBinsFirst,   Field::kNamedBinsRoom,    Field::kNamedBinsBins,
                                 Field::kNamedBinStride,   Field::kNamedBinPrevious, Field::kNamedBinPreviousCount,
                                 Field::kNamedBinCapacity, Field::kNamedBinLimit};
  std::vector<char> bins;
  if (!entries_.claim(address, found_.size(Field::kNamedBinsSize))) {
    model_.approximate = true;
    return;
  }
  // most numbers are never used, so only the beginning of each array is read
  std::size_t top = named_.size();
  while (top > 0 && named_[top - 1] == 0) --top;
  bins.resize(found_.size(Field::kNamedBinsSize));
  const std::pair<Field, std::size_t> arrays[] = {{kFields.first, sizeof(std::uint64_t)},
                                                  {kFields.room, sizeof(std::uint16_t)},
                                                  {kFields.bins, found_.size(kFields.stride)}};
  for (const auto& [field, stride] : arrays) {
    const std::size_t offset = found_.offset(field), length = std::min(top * stride, bins.size() - offset);
    std::vector<char> part;
    if (!bytes_.read(address + offset, length, part)) model_.approximate = true;
    std::copy(part.begin(), part.end(), bins.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  for (std::size_t number = 1; number < top; ++number) {
    if (named_[number] != 0) add_bin(info, bins, kFields, number, named_[number]);
  }
}

}  // namespace ashlar::reader
