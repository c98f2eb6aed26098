// tool, reader: the model's caches, those of size classes and named ones, and what is in their slabs.
#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <unordered_set>

#include "base/utf8.h"
#include "tool/reader/builder.h"

namespace ashlar::reader {

namespace {

constexpr std::uint32_t kMaxDepotMagazines = 4096;
constexpr std::size_t kMaxHandles = 1 << 13, kMaxNumbers = 1 << 13;
constexpr std::size_t kMaxName = 1000;  // of a cache that others were merged into

// Returns a name as one word that is safe for a terminal. Characters other than ASCII stay, as they are UTF-8.
std::string shown(const std::string& name) {
  std::string text;
  for_utf8(name, [&](std::string_view piece, bool valid) {
    const bool c1 = piece[0] == '\xc2' && piece.size() == 2 && static_cast<unsigned char>(piece[1]) < 0xa0;
    const bool good = valid && piece[0] != '\x7f' && (piece[0] > ' ' || piece.size() > 1) && !c1;
    text += good ? std::string(piece) : "_";
  });
  return text;
}

}  // namespace

// Class c is model_.caches[c], which block_at relies on. Class 0 is none.
void Builder::add_caches() {
  const std::vector<char> entries = read_table(Table::kCaches, found_.root.classes);
  for (unsigned c = 0; c < found_.root.classes; ++c) {
    Cache cache;
    cache.number = c;
    cache.is_size_class = true;
    cache.object_size = found_.root.class_sizes[c];
    cache.name = "malloc-" + std::to_string(cache.object_size);
    add_cache(std::move(cache), entries.data() + std::size_t{c} * found_.stride(Table::kCaches));
  }
  add_named_caches();
}

// Adds a cache with its parts on all nodes.
void Builder::add_cache(Cache cache, const char* entry) {
  const std::size_t number = model_.caches.size();
  model_.caches.push_back(std::move(cache));
  add_part(number, entry);
  const std::uint64_t others = value(entry, Field::kCacheOthers);
  if (others == 0 || nodes_ == 1) return;
  const std::size_t stride = found_.size(Field::kCacheStride);
  std::vector<char> parts;
  if (!bytes_.read(others, nodes_ * stride, parts)) model_.approximate = true;
  for (std::size_t node = 1; node < nodes_; ++node) add_part(number, parts.data() + node * stride);
}

void Builder::add_part(std::size_t number, const char* entry) {
  Cache& cache = model_.caches[number];
  const std::uint64_t magazines = value(entry, Field::kCacheDepotCount);
  cache.slabs += value(entry, Field::kCacheSlabs);
  cache.pages += value(entry, Field::kCachePages);
  cache.capacity += value(entry, Field::kCacheCapacity);
  cache.out += value(entry, Field::kCacheOut);
  cache.depot += value(entry, Field::kCacheDepotObjects);
  cache.depot_magazines += magazines;
  depots_.push_back({number, value(entry, Field::kCacheDepot),
                     static_cast<std::uint32_t>(std::min<std::uint64_t>(magazines, kMaxDepotMagazines))});
}

void Builder::add_named_caches() {
  const std::size_t count = std::min<std::size_t>(found_.count(Table::kNamedCaches), kMaxNumbers);
  named_.resize(count);
  const std::vector<char> addresses = read_table(Table::kNamedCaches, count);
  std::vector<char> entry(found_.offset(Field::kNamedCache) + found_.size(Field::kCacheStride));
  for (std::size_t number = 1; number < count; ++number) {
    std::uint64_t address = 0;
    std::memcpy(&address, addresses.data() + number * found_.stride(Table::kNamedCaches), sizeof address);
    if (address == 0) continue;
    if (!source_.read(address, entry.data(), entry.size())) {
      model_.approximate = true;
      continue;
    }
    Cache cache;
    cache.number = static_cast<unsigned>(number);
    cache.object_size = static_cast<std::uint32_t>(value(entry.data(), Field::kNamedSize));
    cache.link = static_cast<std::uint32_t>(value(entry.data(), Field::kNamedLink));
    named_[number] = static_cast<std::uint16_t>(model_.caches.size());
    add_cache(std::move(cache), entry.data() + found_.offset(Field::kNamedCache));
  }
  add_handles();
}

// Adds the names of named caches. A cache that others were merged into has several.
void Builder::add_handles() {
  std::uint64_t next = 0;
  if (!source_.read(found_.table(Table::kHandles), &next, sizeof next)) model_.approximate = true;
  std::unordered_set<std::uint64_t> seen;
  std::vector<char> handle(std::size_t{found_.offset(Field::kHandleName)} + found_.size(Field::kHandleName));
  while (next != 0 && seen.size() < kMaxHandles) {
    if (!seen.insert(next).second || !source_.read(next, handle.data(), handle.size())) {
      model_.approximate = true;
      break;
    }
    const std::uint64_t number = value(handle.data(), Field::kHandleNumber);
    const char* const text = handle.data() + found_.offset(Field::kHandleName);
    std::string name(text, strnlen(text, found_.size(Field::kHandleName)));
    name = shown(name);
    if (number < named_.size() && named_[number] != 0) {
      Cache& cache = model_.caches[named_[number]];
      if (found_.has(Field::kHandleChecks))
        cache.checks = slab_debug_letters(value(handle.data(), Field::kHandleChecks));
      if (cache.name.empty()) cache.name = name;
      else if (name.size() + cache.name.size() < kMaxName) cache.name = name + "," + cache.name;
      else if (!cache.name.ends_with("...")) cache.name += ",...";
    }
    next = value(handle.data(), Field::kHandleNext);
  }
  for (Cache& cache : model_.caches) {
    if (cache.name.empty()) cache.name = "retired-" + std::to_string(cache.number);
  }
}

// Finds the caches of slabs of named caches. These slabs have class 0, and the map of their section has the cache's
// number.
void Builder::name_slabs() {
  const std::uint64_t nowhere = found_.table(Table::kNowhere);
  const std::uint64_t map = std::uint64_t{found_.offset(Field::kSectionNamed)} * kPage;
  const std::uint64_t section_bytes = found_.count(Table::kNowhere) * kPage;
  const std::size_t bytes = found_.size(Field::kSectionNamed);  // of a number, the low ones first
  if (section_bytes == 0) return;
  std::unordered_map<std::uint64_t, std::uint64_t> sections;  // by number: address
  std::vector<Block*> blocks;
  std::vector<Piece> pieces;
  std::vector<std::uint16_t> numbers;
  for (Arena& arena : model_.arenas) {
    for (Block& block : arena.blocks) {
      if (block.use == Use::kSlab && block.cache == 0) blocks.push_back(&block);
    }
  }
  numbers.resize(blocks.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::uint64_t section = blocks[i]->start / section_bytes;
    const auto [known, is_new] = sections.try_emplace(section);
    if (is_new) {
      std::uint64_t offset = 0;
      if (section < found_.count(Table::kSections) &&
          source_.read(found_.table(Table::kSections) + section * sizeof offset, &offset, sizeof offset)) {
        known->second = nowhere + offset;
      }
    }
    const std::uint64_t page = blocks[i]->start % section_bytes / kPage;
    pieces.push_back({known->second + map + page * bytes, &numbers[i], bytes});
  }
  source_.read_all(pieces);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (numbers[i] < named_.size()) blocks[i]->cache = named_[numbers[i]];
  }
}

// Counts the contents of slabs by their descriptors. A difference from the caches' own figures means that something
// changed during the reading.
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

// Makes figures consistent that were read one after another.
void Builder::settle() {
  count_slabs();
  for (Cache& cache : model_.caches) {
    model_.serving = model_.serving || cache.out != 0;
    if (cache.magazines + cache.depot <= cache.out) continue;
    model_.approximate = true;
    cache.depot = std::min(cache.depot, cache.out);
    cache.magazines = std::min(cache.magazines, cache.out - cache.depot);
  }
  model_.serving = model_.serving || !model_.areas.empty();
  // with slob or checked blocks, threads have no heaps
  for (const Zone& zone : model_.zones) model_.serving = model_.serving || zone.live() != 0;
}

}  // namespace ashlar::reader
