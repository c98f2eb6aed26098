// check: what a report shows of a block: its state and bytes, its neighbours, and the threads that used it.
#include "check/block_dump.h"

namespace ashlar::check {

namespace {

using Line = Text<200>;

constexpr std::size_t kShownLines = 4;  // of a block's own bytes

std::string_view state_name(State state) {
  switch (state) {
    case State::kFresh: return "never in use";
    case State::kMoving: return "being allocated or freed";
    case State::kLive: return "live";
    case State::kFreed: return "free";
  }
  return "";
}

void tell_slot(SlotRef slot, std::string_view what) {
  const Cell cell = slot.load();
  Line line;
  line << "  " << what << " ";
  line.hex(slot.block(cell)) << ": " << state_name(cell.state);
  if (cell.state != State::kFresh) line << ", " << std::uint64_t{cell.size} << " bytes";
  os::say(line.view());
}

}  // namespace

void dump(std::string_view name, std::uintptr_t start, std::uintptr_t end, std::size_t lines) {
  for (; start < end && lines > 0; start += kShownBytes, --lines) {
    const std::size_t n = end - start < kShownBytes ? end - start : kShownBytes;
    if (!os::readable(reinterpret_cast<const void*>(start), n)) return;
    Line line;
    line << "  " << name << " ";
    line.hex(start) << ":";
    for (std::uintptr_t at = start; at < start + n; ++at) {
      const auto byte = *reinterpret_cast<const unsigned char*>(at);
      line << " " << std::string_view(&"0123456789abcdef"[byte >> 4], 1)
           << std::string_view(&"0123456789abcdef"[byte & 15], 1);
    }
    os::say(line.view());
  }
}

void tell_tracks(const Tracks* tracks) {
  if (tracks == nullptr) return;
  tell(tracks->allocated, "allocated");
  tell(tracks->freed, "freed");
}

namespace {

void tell_neighbours(SlotRef slot) {
  if (slot.index > 0) tell_slot({slot.span, slot.index - 1}, "before it");
  if (slot.index + 1 < slot.span->capacity) tell_slot({slot.span, slot.index + 1}, "behind it");
}

void tell_bytes(SlotRef slot, Cell cell) {
  const std::uintptr_t block = slot.block(cell);
  // under harden the zone before a block is the end of the one before
  const std::uintptr_t left = block > slot.start() ? slot.start() : block - sizeof(std::uint64_t);
  dump("redzone", block - left > kShownBytes ? block - kShownBytes : left, block, 1);
  dump("object ", block, block + cell.size, kShownLines);
  dump("redzone", block + cell.size, slot.end(), 2);
}

}  // namespace

void tell_all(SlotRef slot) {
  const Cell cell = slot.load();
  tell_slot(slot, "block");
  tell_tracks(slot.span->tracks != nullptr ? &slot.span->tracks[slot.index] : nullptr);
  tell_neighbours(slot);
  tell_bytes(slot, cell);
}

SlotRef slot_around(const Span& span, std::uintptr_t p) {
  if (p < span.slot(0)) return {};
  const auto index = static_cast<std::uint32_t>((p - span.slot(0)) / span.slot_bytes);
  // the record is not changed through it
  return index < span.capacity ? SlotRef{const_cast<Span*>(&span), index} : SlotRef{};
}

}  // namespace ashlar::check
