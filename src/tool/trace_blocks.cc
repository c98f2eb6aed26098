// tool: finds the block that an address of a trace belongs to.
#include "tool/trace_blocks.h"

namespace ashlar::tool {

std::size_t LiveBlocks::place_of(std::uint64_t address) const {
  return static_cast<std::size_t>((address * 0x9e3779b97f4a7c15u) >> 20) & (slots_.size() - 1);
}

// Returns the address's slot, or the empty slot where it would be inserted.
std::size_t LiveBlocks::find_slot(std::uint64_t address) const {
  std::size_t i = place_of(address);
  while (slots_[i].address != 0 && slots_[i].address != address) i = (i + 1) & (slots_.size() - 1);
  return i;
}

Block* LiveBlocks::find(std::uint64_t address) {
  Slot& slot = slots_[find_slot(address)];
  return slot.address != 0 ? &slot.block : nullptr;
}

void LiveBlocks::grow() {
  std::vector<Slot> before(slots_.size() * 2);
  before.swap(slots_);
  for (const Slot& slot : before) {
    if (slot.address != 0) slots_[find_slot(slot.address)] = slot;
  }
}

std::optional<Block> LiveBlocks::insert(std::uint64_t address, const Block& block) {
  if (used_ * 2 > slots_.size()) grow();
  Slot& slot = slots_[find_slot(address)];
  std::optional<Block> before;
  if (slot.address != 0) before = slot.block;
  else ++used_;
  slot = {address, block};
  return before;
}

std::optional<Block> LiveBlocks::remove(std::uint64_t address) {
  std::size_t hole = find_slot(address);
  if (slots_[hole].address == 0) return std::nullopt;
  const Block block = slots_[hole].block;
  --used_;
  // Moves following entries into the hole, except those whose own place lies after the hole.
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = (hole + 1) & mask; slots_[i].address != 0; i = (i + 1) & mask) {
    const std::size_t wanted = place_of(slots_[i].address);
    if (((i - wanted) & mask) < ((i - hole) & mask)) continue;
    slots_[hole] = slots_[i];
    hole = i;
  }
  slots_[hole].address = 0;
  return block;
}

void BlockEvents::make(const Event& event) {
  if (event.failed) return refused(event, nullptr);
  Block block;
  block.size = event.size;
  block.number = event.number;
  block.ns = event.ns;
  block.thread = event.thread;
  block.alignment = event.alignment;
  block.op = event.op;
  if (const std::optional<Block> before = live_.remove(event.address)) vanished(event, *before);
  made(event, block);
  live_.insert(event.address, block);
}

void BlockEvents::end_resize(const Event& event) {
  std::optional<Block>& moving = moving_[event.thread];
  if (event.failed) {
    refused(event, moving ? &*moving : nullptr);
    if (moving) live_.insert(event.old, *moving);
  } else if (!moving) {
    make(event);
  } else {
    const std::uint64_t old_size = moving->size;
    moving->size = event.size;
    ++moving->resizes;
    if (const std::optional<Block> before = live_.remove(event.address)) vanished(event, *before);
    resized(event, *moving, old_size);
    live_.insert(event.address, *moving);
  }
  moving.reset();
}

void BlockEvents::note(const Event& event) {
  switch (event.kind) {
    case EventKind::kAllocate: return make(event);
    case EventKind::kResizeBegin: moving_[event.thread] = live_.remove(event.old); return;
    case EventKind::kResizeEnd: return end_resize(event);
    case EventKind::kFree: {
      const std::optional<Block> block = live_.remove(event.address);
      return freed(event, block ? &*block : nullptr);
    }
    case EventKind::kLeft: {
      if (const Block* const block = live_.find(event.address)) left(event, *block);
      return;
    }
  }
}

void BlockEvents::follow(const TraceFile& trace) {
  trace.for_each([this](const Event& event) {
    const bool goes_on = before(event);
    if (goes_on) note(event);
    return goes_on;
  });
}

}  // namespace ashlar::tool
