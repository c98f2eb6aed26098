// tool, reader: the model's arenas: from page descriptors to blocks.
#include <algorithm>
#include <cstring>

#include "tool/reader/builder.h"

namespace ashlar::reader {

namespace {

constexpr std::size_t kDescriptor = 32;  // bytes of a page's descriptor
constexpr std::uint32_t kMaxArenaPages = 1 << 18;
constexpr std::size_t kMaxZones = 1024;  // the library has one per node
constexpr unsigned kMaxOrder = kOrders - 1;

using State = format::PageState;

}  // namespace

void Builder::add_arenas() {
  const std::size_t stride = found_.stride(Table::kArenas), step = 256;
  for (std::size_t i = 0; i < found_.count(Table::kArenas); i += step) {
    std::vector<char> entries;
    const std::size_t n = std::min(step, found_.count(Table::kArenas) - i);
    if (!bytes_.read(found_.table(Table::kArenas) + i * stride, n * stride, entries)) model_.approximate = true;
    for (std::size_t k = 0; k < n; ++k) {
      const char* const entry = entries.data() + k * stride;
      if (value(entry, Field::kArenaDescriptors) == 0) {
        i = found_.count(Table::kArenas);
        break;
      }
      if (!add_arena(entry)) continue;
      const std::uint64_t address = found_.table(Table::kArenas) + (i + k) * stride;
      Arena& arena = model_.arenas.back();
      const Rest& rest = rests_[arena.zone];
      std::vector<char> descriptors;
      const std::size_t pages = arena.range.bytes() / kPage;
      if (!bytes_.read(value(entry, Field::kArenaDescriptors), pages * kDescriptor, descriptors)) {
        model_.approximate = true;
      }
      if (rest.last == address && rest.first < rest.end && rest.end <= pages) {
        Block block;
        block.start = arena.range.start + rest.first * kPage;
        block.pages = rest.end - rest.first;
        block.use = Use::kRest;
        model_.zones[arena.zone].rest = block.pages;
        arena.blocks.push_back(block);
      }
      add_blocks(arena, descriptors);
    }
  }
  std::sort(model_.arenas.begin(), model_.arenas.end(),
            [](const Arena& a, const Arena& b) { return a.range.start < b.range.start; });
}

// Returns false if the entry cannot be an arena.
bool Builder::add_arena(const char* entry) {
  Arena arena;
  const std::uint64_t start = value(entry, Field::kArenaBase);
  const auto pages =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(value(entry, Field::kArenaPages), kMaxArenaPages));
  if (start % kPage != 0 || start >= kAddressEnd - std::uint64_t{kMaxArenaPages} * kPage || pages == 0) {
    model_.approximate = true;
    return false;
  }
  arena.range = {start, start + std::uint64_t{pages} * kPage};
  const std::uint64_t descriptors = value(entry, Field::kArenaDescriptors), bytes = pages * kDescriptor;
  if (!is_mapped(arena.range) || !is_private(descriptors, bytes) || !arenas_.claim(start, arena.range.bytes()) ||
      !entries_.claim(descriptors, bytes)) {
    model_.approximate = true;
    return false;
  }
  const std::uint64_t address = value(entry, Field::kArenaZone);
  const auto zone = std::find(zone_addresses_.begin(), zone_addresses_.end(), address);
  arena.zone = static_cast<unsigned>(zone - zone_addresses_.begin());
  if (zone == zone_addresses_.end()) {
    if (zone_addresses_.size() >= kMaxZones) {
      model_.approximate = true;
      return false;
    }
    std::vector<char> other(found_.stride(Table::kZones));
    if (!source_.read(address, other.data(), other.size())) model_.approximate = true;
    arena.zone = add_zone(address, other.data());
  }
  std::vector<char> bits;
  if (!bytes_.read(value(entry, Field::kArenaDirty), std::size_t{(pages + 63) / 64} * 8, bits))
    model_.approximate = true;
  arena.dirty.resize(bits.size() / 8);
  std::memcpy(arena.dirty.data(), bits.data(), bits.size());
  model_.arenas.push_back(std::move(arena));
  return true;
}

// Returns the block that starts at a page. `pages` becomes its number of pages, or 0 if no block starts there.
Block Builder::block_at(const Arena& arena, const char* descriptor, std::uint32_t index, std::uint32_t& pages) {
  Block block;
  block.start = arena.range.start + std::uint64_t{index} * kPage;
  const auto state = static_cast<State>(value(descriptor, Field::kPageState));
  const auto order = static_cast<unsigned>(value(descriptor, Field::kPageOrder));
  block.order = static_cast<std::uint8_t>(order);
  pages = order <= kMaxOrder ? 1u << order : 0;
  switch (state) {
    case State::kFree:
    case State::kIsolated:
      block.use = state == State::kFree ? Use::kFree : Use::kIsolated;
      block.age_ms = static_cast<std::uint32_t>(value(descriptor, Field::kFreeAge));
      block.dirty = static_cast<std::uint32_t>(value(descriptor, Field::kFreeDirty));
      break;
    case State::kExtent:
    case State::kIsolatedExtent:
      block.use = state == State::kExtent ? Use::kExtent : Use::kIsolated;
      block.age_ms = static_cast<std::uint32_t>(value(descriptor, Field::kExtentAge));
      pages = static_cast<std::uint32_t>(value(descriptor, Field::kExtentPages));
      block.dirty = pages;
      break;
    case State::kRun:
      block.use = Use::kRun;
      pages = static_cast<std::uint32_t>(value(descriptor, Field::kRunPages));
      break;
    case State::kPcp:
      block.use = Use::kPcp;
      pages = static_cast<std::uint32_t>(value(descriptor, Field::kRunPages));
      block.dirty = pages;
      break;
    case State::kSlab:
      block.use = Use::kSlab;
      block.cache = static_cast<std::uint16_t>(value(descriptor, Field::kSlabClass));
      block.in_use = static_cast<std::uint16_t>(value(descriptor, Field::kSlabInUse));
      block.free_objects = static_cast<std::uint16_t>(value(descriptor, Field::kSlabFreeCount));
      block.capacity = static_cast<std::uint16_t>(value(descriptor, Field::kSlabCapacity));
      block.first_free = static_cast<std::uint16_t>(value(descriptor, Field::kSlabFirstFree));
      break;
    default: pages = 0;
  }
  block.pages = pages;
  return block;
}

void Builder::add_unknown(Arena& arena, std::uint32_t index) {
  model_.approximate = true;
  const std::uint64_t start = arena.range.start + std::uint64_t{index} * kPage;
  if (!arena.blocks.empty() && arena.blocks.back().use == Use::kUnknown && arena.blocks.back().end() == start) {
    ++arena.blocks.back().pages;
    return;
  }
  Block block;
  block.start = start;
  block.pages = 1;
  arena.blocks.push_back(block);
}

// Walks from block to block. A page where no block starts has changed during the walk.
void Builder::add_blocks(Arena& arena, const std::vector<char>& descriptors) {
  Zone& zone = model_.zones[arena.zone];
  const bool with_owners = found_.has(Field::kRunOwner);
  std::vector<Block> rest;
  rest.swap(arena.blocks);
  const auto total = static_cast<std::uint32_t>(arena.range.bytes() / kPage);
  for (std::uint32_t index = 0; index < total;) {
    const std::uint64_t here = arena.range.start + std::uint64_t{index} * kPage;
    if (!rest.empty() && rest.front().start == here) {
      arena.blocks.push_back(rest.front());
      index += rest.front().pages;
      continue;
    }
    const std::uint32_t end = !rest.empty() && rest.front().start > here
                                  ? static_cast<std::uint32_t>((rest.front().start - arena.range.start) / kPage)
                                  : total;
    std::uint32_t pages = 0;
    Block block = block_at(arena, descriptors.data() + std::size_t{index} * kDescriptor, index, pages);
    if (pages == 0 || pages > end - index) {
      add_unknown(arena, index++);
      continue;
    }
    if (block.use == Use::kRun && with_owners) {
      const char* const descriptor = descriptors.data() + std::size_t{index} * kDescriptor;
      const std::uint64_t owner = value(descriptor, Field::kRunOwner);
      block.of_heap = owner != 0 && found_.has(Field::kRunOwned) && value(descriptor, Field::kRunOwned) != 0;
      if (owner != 0 && !block.of_heap) run_owners_.emplace_back(here, owner);
    }
    count_in_zone(zone, block);
    arena.blocks.push_back(block);
    index += pages;
  }
}

void Builder::count_in_zone(Zone& zone, const Block& block) {
  if (block.use == Use::kFree) {
    ++(block.dirty != 0 ? zone.dirty_blocks : zone.clean_blocks)[block.order];
    zone.dirty_pages[block.order] += std::min(block.dirty, block.pages);
  }
  // the zone's own figures count them as in use
  if (block.use == Use::kPcp && zone.free + zone.isolated + block.pages <= zone.present) {
    zone.pcp += block.pages;
    zone.free += block.pages;
    zone.dirty_free += block.pages;
  }
  if (block.use == Use::kExtent) {
    ++zone.extents;
    zone.extent_pages += block.pages;
  }
}

}  // namespace ashlar::reader
