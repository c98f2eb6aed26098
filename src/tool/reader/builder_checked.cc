// tool, reader: the model's checked blocks (slab_debug, harden, guard_sample) and those of slob, which lie in runs or
// in mappings of their own, and of which no slab tells.
#include <algorithm>
#include <cstring>

#include "tool/reader/builder.h"

namespace ashlar::reader {

namespace {

constexpr std::size_t kMaxSpans = 1 << 20, kMaxGuarded = 1 << 20;
constexpr std::size_t kMaxSlobBits = 512;  // bytes

// Returns some bits of a word. The field's offset is the first bit, and its size the number of bits.
std::uint32_t bits_of(std::uint32_t word, const FoundRoot& found, format::Field field) {
  return word >> found.offset(field) & ((std::uint32_t{1} << found.size(field)) - 1);
}

}  // namespace

// Calls add with each entry of a list. The address of the first entry is in a table. The list only grows.
template <class Add>
void Builder::for_list(Table table, Field size, Field next, std::size_t max, Add add) {
  if (!found_.has(table)) return;
  std::uint64_t at = 0;
  if (!source_.read(found_.table(table), &at, sizeof at)) model_.approximate = true;
  std::vector<char> entry(found_.size(size));
  for (std::size_t n = 0; at != 0; ++n) {
    if (n == max || at % 8 != 0 || !entries_.claim(at, entry.size()) || !source_.read(at, entry.data(), entry.size())) {
      model_.approximate = true;
      return;
    }
    add(entry.data());
    at = value(entry.data(), next);
  }
}

// Returns whether a range lies in one run, or in one mapping of its own.
bool Builder::holds_checked(const Range& range) const {
  const Block* const block = model_.block_at(range.start);
  if (block != nullptr) return block->use == Use::kRun && range.end <= block->end();
  const Area* const area = model_.area_at(range.start);
  return area != nullptr && range.end <= area->end;
}

// Returns the named cache of a handle, or the cache of a size class.
std::uint16_t Builder::cache_of(std::uint64_t handle, std::uint64_t size_class) {
  std::vector<char> entry(std::size_t{found_.offset(Field::kHandleName)} + found_.size(Field::kHandleName));
  if (handle != 0 && source_.read(handle, entry.data(), entry.size())) {
    const std::uint64_t number = value(entry.data(), Field::kHandleNumber);
    if (number < named_.size() && named_[number] != 0) return named_[number];
  }
  return size_class != 0 && size_class < found_.root.classes ? static_cast<std::uint16_t>(size_class) : kNoCache;
}

void Builder::add_slots(Span& span, std::uint64_t count, std::uint64_t cells, std::uint64_t free_at) {
  std::vector<char> cell_bytes, free_bits;
  if (!bytes_.read(cells, count * 4, cell_bytes) || !bytes_.read(free_at, (count + 63) / 64 * 8, free_bits))
    model_.approximate = true;
  span.slots.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t cell = 0;
    std::memcpy(&cell, cell_bytes.data() + i * 4, sizeof cell);
    const bool is_free = (static_cast<unsigned char>(free_bits[i / 8]) >> i % 8 & 1) != 0;
    const auto state = static_cast<format::CellState>(bits_of(cell, found_, Field::kCellState));
    Slot& slot = span.slots[i];
    slot.state = state == format::CellState::kFresh   ? Slot::State::kFresh
                 : state == format::CellState::kFreed ? (is_free ? Slot::State::kFree : Slot::State::kWaiting)
                                                      : Slot::State::kLive;
    slot.requested = static_cast<std::uint16_t>(bits_of(cell, found_, Field::kCellSize));
    slot.offset = static_cast<std::uint16_t>(bits_of(cell, found_, Field::kCellOffset) * 16);
  }
}

void Builder::add_span(const char* entry) {
  Span span;
  span.start = value(entry, Field::kSpanStart);
  if (span.start == 0) return;  // not in use
  const std::uint64_t bytes = value(entry, Field::kSpanBytes), slots = value(entry, Field::kSpanCapacity);
  span.header = found_.size(Field::kSpanHeader);
  span.slot_bytes = static_cast<std::uint32_t>(value(entry, Field::kSpanSlotBytes));
  span.end = span.start + bytes;
  const std::uint64_t cells = value(entry, Field::kSpanCells), free = value(entry, Field::kSpanFreeBits);
  const std::uint64_t words = (slots + 63) / 64;
  if (bytes > kAddressEnd || !holds_checked(span) || span.slot_bytes == 0 ||
      span.header + slots * span.slot_bytes > bytes || !entries_.claim(cells, slots * 4) ||
      !entries_.claim(free, words * 8) || !is_private(cells, slots * 4)) {
    model_.approximate = true;
    return;
  }
  add_slots(span, slots, cells, free);
  std::uint64_t owner = 0;
  const std::uint64_t of = value(entry, Field::kSpanOf);
  if (of != 0 && !source_.read(of + found_.offset(Field::kSlotsOwner), &owner, sizeof owner)) model_.approximate = true;
  span.cache = cache_of(owner, value(entry, Field::kSpanClass));
  model_.spans.push_back(std::move(span));
}

void Builder::add_guarded(const char* entry) {
  Guarded block;
  block.start = value(entry, Field::kGuardedStart);
  const std::uint64_t bytes = value(entry, Field::kGuardedBytes);
  if (block.start == 0 || bytes > kAddressEnd) return;
  block.end = block.start + bytes;
  block.block = value(entry, Field::kGuardedBlock);
  block.requested = value(entry, Field::kGuardedRequested);
  const auto state = static_cast<format::CellState>(value(entry, Field::kGuardedState));
  block.live = state == format::CellState::kLive || state == format::CellState::kMoving;
  // a freed one may have kept its addresses alone
  if (holds_checked(block)) model_.guarded.push_back(block);
}

void Builder::add_checked() {
  for_list(Table::kSpans, Field::kSpanStride, Field::kSpanNext, kMaxSpans, [&](const char* e) { add_span(e); });
  for_list(Table::kGuarded, Field::kGuardedStride, Field::kGuardedNext, kMaxGuarded,
           [&](const char* e) { add_guarded(e); });
  const auto by_start = [](const Range& a, const Range& b) { return a.start < b.start; };
  std::sort(model_.spans.begin(), model_.spans.end(), by_start);
  std::sort(model_.guarded.begin(), model_.guarded.end(), by_start);
  drop_overlapping(model_.spans);
  drop_overlapping(model_.guarded);
  count_spans();
}

// Adds the spans to the caches' figures, as if they were slabs. Blocks in the quarantine are outside of slabs, and not
// live.
void Builder::count_spans() {
  for (const Span& span : model_.spans) {
    if (span.cache == kNoCache) continue;
    Cache& cache = model_.caches[span.cache];
    std::array<std::uint64_t, Slot::kStates> n{};
    for (const Slot& slot : span.slots) ++n[static_cast<std::size_t>(slot.state)];
    const auto count = [&](Slot::State state) { return n[static_cast<std::size_t>(state)]; };
    const std::uint64_t out = count(Slot::State::kLive) + count(Slot::State::kWaiting);
    ++cache.slabs;
    cache.pages += span.bytes() / kPage;
    cache.capacity += span.slots.size();
    cache.checked_out += out;
    cache.waiting += count(Slot::State::kWaiting);
    cache.free_objects += count(Slot::State::kFree);
    cache.active_slabs += out != 0 ? 1 : 0;
    cache.out += out;
  }
}

// Adds the blocks of slob, which are runs. Their descriptor points to their data.
void Builder::add_slob() {
  if (option_value("slob") == 0 || !found_.has(Field::kSlobStride)) return;
  const std::size_t size = found_.size(Field::kSlobStride);
  std::vector<std::vector<char>> entries;
  std::vector<Piece> pieces;
  std::vector<const Block*> blocks;
  entries.reserve(run_owners_.size());
  for (const auto& [start, owner] : run_owners_) {
    const Block* const block = model_.block_at(start);
    if (block == nullptr || block->use != Use::kRun || !entries_.claim(owner, size)) continue;
    blocks.push_back(block);
    pieces.push_back({owner, entries.emplace_back(size).data(), size});
  }
  source_.read_all(pieces);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const char* const entry = entries[i].data();
    if (!pieces[i].done || value(entry, Field::kSlobBase) != blocks[i]->start) continue;
    SlobBlock block;
    block.start = blocks[i]->start;
    block.end = blocks[i]->end();
    const auto bits = [&](Field field) {
      std::vector<std::uint64_t> words(std::min<std::size_t>({found_.size(field), block.bytes() / 128, kMaxSlobBits}) /
                                       8);
      std::memcpy(words.data(), entry + found_.offset(field), words.size() * 8);
      return words;
    };
    block.used = bits(Field::kSlobUsed);
    block.starts = bits(Field::kSlobStarts);
    model_.slob.push_back(std::move(block));
  }
  // they were added arena by arena, in the order in which the arenas were made
  std::sort(model_.slob.begin(), model_.slob.end(), [](const Range& a, const Range& b) { return a.start < b.start; });
}

// The same for runs with slots of samples. Other runs use the owner's field for something else.
void Builder::add_sampled() {
  if (option_value("slob") != 0 || !found_.has(Field::kSampledStride)) return;
  std::vector<char> entry(found_.size(Field::kSampledStride));
  for (const auto& [start, owner] : run_owners_) {
    const Block* const block = model_.block_at(start);
    if (block == nullptr || owner % 8 != 0 || around(model_.metadata, owner) == nullptr ||
        !source_.read(owner, entry.data(), entry.size()) || value(entry.data(), Field::kSampledStart) != start ||
        !entries_.claim(owner, entry.size()))
      continue;
    const std::uint64_t size_class = value(entry.data(), Field::kSampledClass);
    if (size_class == 0 || size_class >= found_.root.classes) continue;
    SampledSlots slots;
    slots.start = block->start;
    slots.end = block->end();
    slots.slot_bytes = std::max<std::uint32_t>(found_.root.class_sizes[size_class], 1);
    slots.cache = static_cast<std::uint16_t>(size_class);
    slots.used.resize(found_.size(Field::kSampledUsed) / sizeof(std::uint64_t));
    std::memcpy(slots.used.data(), entry.data() + found_.offset(Field::kSampledUsed),
                slots.used.size() * sizeof(std::uint64_t));
    model_.sampled.push_back(std::move(slots));
  }
  std::sort(model_.sampled.begin(), model_.sampled.end(),
            [](const Range& a, const Range& b) { return a.start < b.start; });
  count_sampled();
}

// Adds them to the caches' figures, as if they were slabs. The first slot is never handed out.
void Builder::count_sampled() {
  for (const SampledSlots& slots : model_.sampled) {
    Cache& cache = model_.caches[slots.cache];
    const std::uint64_t capacity = slots.bytes() / slots.slot_bytes;
    std::uint64_t live = 0;
    for (std::uint64_t i = 1; i < capacity; ++i) live += slots.is_used(i) ? 1U : 0U;
    ++cache.slabs;
    cache.pages += slots.bytes() / kPage;
    cache.capacity += capacity != 0 ? capacity - 1 : 0;
    cache.checked_out += live;
    cache.active_slabs += live != 0 ? 1 : 0;
    cache.out += live;
  }
}

}  // namespace ashlar::reader
