// tool, reader: numbering the blocks of a heap.
#include "tool/reader/blocks.h"

#include <algorithm>

#include "tool/reader/free_objects.h"

namespace ashlar::reader {

namespace {

constexpr std::uint64_t kMinObject = 16;  // no place is smaller

template <class T>
std::size_t first_from(const std::vector<T>& entries, std::uint64_t start) {
  const auto at = std::lower_bound(entries.begin(), entries.end(), start,
                                   [](const Range& entry, std::uint64_t address) { return entry.start < address; });
  return static_cast<std::size_t>(at - entries.begin());
}

}  // namespace

Blocks::Blocks(Source& source, const Model& model) : model_(model) {
  add_heaps(source);
  for (const Arena& arena : model.arenas) {
    for (const Block& block : arena.blocks) {
      if (block.use == Use::kSlab) add_slab(source, block);
      else if (block.use == Use::kRun && !block.of_heap) add_whole({block.start, block.end()}, HeapBlock::Kind::kRun);
    }
  }
  for (const Area& area : model.areas) {
    if (!area.kept && !is_of_heap(area)) add_whole(area, HeapBlock::Kind::kArea);
  }
  number_groups();
  mark_free();
  const auto note = [this](std::uint64_t object, Holder /*holder*/) {
    const std::size_t number = place_of(object);
    if (number == kNone || is_free(number)) return false;
    set(number, kFree);
    return true;
  };
  if (!follow_free_lists(
          source, model, [](std::uint16_t) { return true; }, nullptr, note))
    whole_ = false;
}

void Blocks::add_heaps(Source& source) {
  AllHeapPlaces all = read_heap_places(source);
  if (all.approximate) whole_ = false;
  for (std::string& name : all.names) heaps_.push_back(std::make_shared<const std::string>(std::move(name)));
  places_ = std::move(all.places);
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    const HeapPlaces& of = places_[i];
    add_group(
        {of.start, of.bytes, 0, static_cast<std::uint32_t>(of.free.size()), i, kNoCache, HeapBlock::Kind::kOfHeap});
  }
}

// A mapping may be a block of a heap.
bool Blocks::is_of_heap(const Range& area) const {
  const auto at = std::lower_bound(places_.begin(), places_.end(), area.start,
                                   [](const HeapPlaces& of, std::uint64_t address) { return of.start < address; });
  return at != places_.end() && at->start < area.end;
}

// Objects smaller than a page were all touched when they were carved. So a slab of such objects whose memory has no
// contents comes from a damaged table.
void Blocks::add_slab(Source& source, const Block& slab) {
  const std::uint32_t size = model_.caches[slab.cache].object_size;
  if (size < kMinObject) return;
  if (size < kPage) {
    std::vector<Range> held;
    source.contents({slab.start, slab.end()}, held);
    if (held.empty()) return;
  }
  const auto carved = static_cast<std::uint32_t>(slab.in_use + slab.free_objects);
  add_group({slab.start, size, 0, carved, 0, slab.cache, HeapBlock::Kind::kObject});
}

void Blocks::add_whole(const Range& range, HeapBlock::Kind kind) {
  if (!add_parts(range)) add_group({range.start, range.bytes(), 0, 1, 0, kNoCache, kind});
}

// Adds the blocks of a run or an area if they are known one by one. Returns whether they are.
bool Blocks::add_parts(const Range& range) {
  const std::size_t span = first_from(model_.spans, range.start);
  if (span < model_.spans.size() && model_.spans[span].start < range.end) {
    const Span& of = model_.spans[span];
    if (of.slot_bytes < kMinObject) return true;
    add_group({of.slot_start(0), of.slot_bytes, 0, static_cast<std::uint32_t>(of.slots.size()),
               static_cast<std::uint32_t>(span), of.cache, HeapBlock::Kind::kChecked});
    return true;
  }
  const std::size_t guarded = first_from(model_.guarded, range.start);
  if (guarded < model_.guarded.size() && model_.guarded[guarded].start < range.end) {
    const Guarded& of = model_.guarded[guarded];
    add_group({of.start, of.bytes(), 0, 1, static_cast<std::uint32_t>(guarded), kNoCache, HeapBlock::Kind::kGuarded});
    return true;
  }
  if (const SlobBlock* const of = model_.slob_at(range.start)) {
    const auto granules = static_cast<std::uint32_t>(std::min<std::uint64_t>(of->bytes() / 16, of->used.size() * 64));
    add_group({of->start, 16, 0, granules, static_cast<std::uint32_t>(of - model_.slob.data()), kNoCache,
               HeapBlock::Kind::kSlob});
    return true;
  }
  if (const SampledSlots* const of = model_.sampled_at(range.start)) {
    const std::uint64_t slots = std::min<std::uint64_t>(of->bytes() / of->slot_bytes, of->used.size() * 64);
    add_group({of->start, of->slot_bytes, 0, static_cast<std::uint32_t>(slots),
               static_cast<std::uint32_t>(of - model_.sampled.data()), of->cache, HeapBlock::Kind::kSampled});
    return true;
  }
  return false;
}

void Blocks::number_groups() {
  std::sort(groups_.begin(), groups_.end(), [](const Group& a, const Group& b) { return a.start < b.start; });
  // tables that changed while they were read may contain one place twice
  const auto overlaps = [](const Group& a, const Group& b) { return b.start < a.end(); };
  groups_.erase(std::unique(groups_.begin(), groups_.end(), overlaps), groups_.end());
  std::size_t number = 0;
  for (Group& group : groups_) {
    group.first = number;
    number += group.count;
  }
  marks_.resize(number);
  if (groups_.empty()) return;
  lowest_ = groups_.front().start;
  highest_ = groups_.back().end();
}

void Blocks::mark_free() {
  for (const Group& group : groups_) mark_free(group);
}

void Blocks::mark_free(const Group& group) {
  std::uint8_t* const marks = marks_.data() + group.first;
  switch (group.kind) {
    case HeapBlock::Kind::kChecked:
      for (std::uint32_t i = 0; i < group.count; ++i)
        marks[i] = model_.spans[group.entry].slots[i].state == Slot::State::kLive ? 0 : kFree;
      break;
    case HeapBlock::Kind::kGuarded: marks[0] = model_.guarded[group.entry].live ? 0 : kFree; break;
    case HeapBlock::Kind::kSlob:
      for (std::uint32_t i = 0; i < group.count; ++i) {
        const SlobBlock& of = model_.slob[group.entry];
        const std::uint64_t address = group.start + std::uint64_t{i} * group.bytes;
        marks[i] = !of.is_used(address) ? kFree : of.is_start(address) || i == 0 || marks[i - 1] == kFree ? 0 : kInner;
      }
      break;
    case HeapBlock::Kind::kSampled:
      for (std::uint32_t i = 0; i < group.count; ++i) marks[i] = model_.sampled[group.entry].is_used(i) ? 0 : kFree;
      break;
    case HeapBlock::Kind::kOfHeap:
      for (std::uint32_t i = 0; i < group.count; ++i) marks[i] = places_[group.entry].free[i] ? kFree : 0;
      break;
    case HeapBlock::Kind::kObject:
    case HeapBlock::Kind::kRun:
    case HeapBlock::Kind::kArea: break;
  }
}

const Blocks::Group* Blocks::group_at(std::uint64_t address) const {
  if (!may_hold(address)) return nullptr;
  const Group& hint = groups_[last_];
  if (address >= hint.start && address < hint.end()) return &hint;
  const auto behind = std::upper_bound(groups_.begin(), groups_.end(), address,
                                       [](std::uint64_t a, const Group& group) { return a < group.start; });
  if (behind == groups_.begin() || address >= (behind - 1)->end()) return nullptr;
  last_ = static_cast<std::size_t>(behind - groups_.begin()) - 1;
  return &groups_[last_];
}

const Blocks::Group& Blocks::group_of(std::size_t number) const {
  if (groups_[last_numbered_].has(number)) return groups_[last_numbered_];
  const auto behind = std::upper_bound(groups_.begin(), groups_.end(), number,
                                       [](std::size_t n, const Group& group) { return n < group.first; });
  last_numbered_ = static_cast<std::size_t>(behind - groups_.begin()) - 1;
  return groups_[last_numbered_];
}

std::size_t Blocks::place_of(std::uint64_t address) const {
  const Group* const group = group_at(address);
  if (group == nullptr) return kNone;
  std::size_t number = group->first + (group->count == 1 ? 0 : (address - group->start) / group->bytes);
  while ((marks_[number] & kInner) != 0) --number;
  return number;
}

HeapBlock Blocks::at(std::size_t number) const {
  const Group& group = group_of(number);
  const std::size_t i = number - group.first;
  HeapBlock block{group.start + i * group.bytes, group.bytes, 0, group.cache, group.kind, nullptr};
  if (group.kind == HeapBlock::Kind::kOfHeap) block.heap = heaps_[places_[group.entry].heap];
  if (group.kind == HeapBlock::Kind::kChecked) {
    const Slot& slot = model_.spans[group.entry].slots[i];
    const std::uint64_t offset = std::min<std::uint64_t>(slot.offset, block.bytes);
    block.start += offset;
    block.bytes -= offset;
    block.requested = slot.requested;
  } else if (group.kind == HeapBlock::Kind::kGuarded) {
    const Guarded& of = model_.guarded[group.entry];
    if (of.contains(of.block)) block.start = of.block;
    block.bytes = of.end - block.start;
    block.requested = of.requested;
  } else if (group.kind == HeapBlock::Kind::kSlob) {
    for (std::size_t next = number + 1; next < group.first + group.count && (marks_[next] & kInner) != 0; ++next)
      block.bytes += group.bytes;
  }
  return block;
}

}  // namespace ashlar::reader
