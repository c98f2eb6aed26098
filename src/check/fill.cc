// check: zones, canaries, poison: writing and checking them.
#include "check/fill.h"

#include "check/canary.h"

namespace ashlar::check {

namespace {

unsigned char byte_at(std::uintptr_t address) { return *reinterpret_cast<const unsigned char*>(address); }

struct Stretch {
  std::uintptr_t start, end;
};

// Before the block, within its slot.
Stretch left_of(SlotRef slot, Cell cell) {
  const std::uintptr_t start = slot.start(), bytes = std::uintptr_t{cell.offset} * kMinAlign;
  const bool near = settings.zones == Zones::kCanary && bytes > kNear;
  return {near ? start + bytes - kNear : start, start + bytes};
}

Stretch right_of(SlotRef slot, Cell cell) {
  const std::uintptr_t start = slot.start();
  const std::uintptr_t from = start + std::uintptr_t{cell.offset} * kMinAlign + cell.size;
  const std::uintptr_t end = start + slot.span->slot_bytes;
  return {from, settings.zones == Zones::kCanary ? near_end(from, end) : end};
}

// Its first wrong byte; the first one if another thread has put it right meanwhile.
Damage broken_canary(std::uintptr_t end, std::string_view what) {
  const std::uint64_t expected = canary_before(end);
  const auto expected_at = [expected](std::size_t i) { return static_cast<unsigned char>(expected >> (8 * i)); };
  std::size_t i = 0;
  while (i < kCanary && byte_at(end - kCanary + i) == expected_at(i)) ++i;
  i %= kCanary;
  return {what, end - kCanary + i, expected_at(i)};
}

unsigned char live_byte(SlotRef slot) { return settings.zones == Zones::kRed ? kRedActive : canary_byte(slot.end()); }

Damage check_stretch(Stretch s, unsigned char byte, std::string_view what) {
  if (const std::uintptr_t at = find_other(s.start, s.end, byte)) return {what, at, byte};
  return {};
}

constexpr std::string_view kLeft = "left redzone overwritten", kRight = "right redzone overwritten",
                           kPoison = "object written after it was freed";

}  // namespace

void fill(std::uintptr_t start, std::uintptr_t end, unsigned char byte) {
  std::memset(reinterpret_cast<void*>(start), byte, end - start);
}

// A word at a time, those at the ends masked: whose bytes they also hold does not matter. Nothing is torn by a look at
// a live block from another thread (validate), which TSan is therefore told to leave alone.
[[gnu::no_sanitize("thread")]] std::uintptr_t find_other(std::uintptr_t start, std::uintptr_t end, unsigned char byte) {
  if (start >= end) return 0;
  const std::uint64_t wanted = repeated(byte);
  const std::uintptr_t last = round_down(end - 1, kWord);
  std::uintptr_t at = round_down(start, kWord);
  std::uint64_t differ = (word_at(at) ^ wanted) & from_byte(start % kWord);
  while (differ == 0 && at < last) {
    for (at += kWord; at + 4 * kWord <= last; at += 4 * kWord) {
      if (((word_at(at) ^ wanted) | (word_at(at + kWord) ^ wanted) | (word_at(at + 2 * kWord) ^ wanted) |
           (word_at(at + 3 * kWord) ^ wanted)) != 0) {
        break;
      }
    }
    differ = word_at(at) ^ wanted;
  }
  if (at == last) differ &= up_to_byte((end - 1) % kWord);
  return differ == 0 ? 0 : at + static_cast<unsigned>(std::countr_zero(differ)) / 8;
}

// The word before the slot is the end of the slot before, which may never have been in use; else it is left as it is,
// as it may tell of an overflow.
void prepare_fresh(SlotRef slot) {
  if (settings.zones != Zones::kCanary) return;
  set_canary(slot.end());
  if (slot.index == 0 || slot.span->load(slot.index - 1).state == State::kFresh) set_canary(slot.start());
}

void fill_live(SlotRef slot, Cell cell) {
  if (settings.zones != Zones::kNone) {
    const unsigned char byte = live_byte(slot);
    const Stretch left = left_of(slot, cell), right = right_of(slot, cell);
    fill(left.start, left.end, byte);
    fill(right.start, right.end, byte);
  }
  if (settings.poison && !slot.span->keeps) fill(slot.block(cell), slot.block(cell) + cell.size, kPoisonNew);
}

Damage check_live(SlotRef slot, Cell cell) {
  if (settings.zones == Zones::kNone) return {};
  const unsigned char byte = live_byte(slot);
  if (const Damage d = check_stretch(left_of(slot, cell), byte, kLeft)) return d;
  if (const Damage d = check_stretch(right_of(slot, cell), byte, kRight)) return d;
  if (settings.zones != Zones::kCanary) return {};
  if (!canary_is_whole(slot.end())) {
    return broken_canary(slot.end(), kRight);
  }
  if (!canary_is_whole(slot.start())) {
    return broken_canary(slot.start(), kLeft);
  }
  return {};
}

void fill_freed(SlotRef slot, Cell cell) {
  if (settings.zero && settings.zones == Zones::kCanary) {  // zones become part of the next block
    const Stretch left = left_of(slot, cell), right = right_of(slot, cell);
    fill(left.start, slot.span->keeps ? left.end : right.end, 0);
    if (slot.span->keeps) fill(right.start, right.end, 0);
    return;
  }
  const std::uintptr_t block = slot.block(cell), end = block + cell.size;
  if (settings.zones == Zones::kRed) {
    fill(slot.start(), block, kRedInactive);
    fill(end, slot.end(), kRedInactive);
  }
  if (slot.span->keeps) return;
  if (settings.poison && cell.size > 0) {
    fill(block, end - 1, kPoisonFree);
    fill(end - 1, end, kPoisonEnd);
  } else if (settings.zero) {
    fill(block, end, 0);
  }
}

Damage check_freed(SlotRef slot, Cell cell) {
  if (settings.zero && settings.zones == Zones::kCanary) {
    const std::uintptr_t slot_end = slot.end();
    // of one that keeps its bytes, what lies around them
    const Stretch first = slot.span->keeps ? left_of(slot, cell) : Stretch{slot.start(), slot_end - kCanary};
    const Stretch second = slot.span->keeps ? right_of(slot, cell) : Stretch{};
    if (const Damage d = check_stretch(first, 0, kPoison)) return d;
    if (const Damage d = check_stretch(second, 0, kPoison)) return d;
    if (canary_is_whole(slot_end)) return {};
    return broken_canary(slot_end, kRight);
  }
  const std::uintptr_t block = slot.block(cell), end = block + cell.size;
  if (slot.span->keeps) {  // the program's, even while it is free
  } else if (settings.poison && cell.size > 0) {
    if (const Damage d = check_stretch({block, end - 1}, kPoisonFree, kPoison)) return d;
    if (const Damage d = check_stretch({end - 1, end}, kPoisonEnd, kPoison)) return d;
  } else if (settings.zero) {
    if (const Damage d = check_stretch({block, end}, 0, kPoison)) return d;
  }
  if (settings.zones == Zones::kRed) {
    if (const Damage d = check_stretch({slot.start(), block}, kRedInactive, kLeft)) return d;
    return check_stretch({end, slot.end()}, kRedInactive, kRight);
  }
  return {};
}

void repair(SlotRef slot, Cell cell) {
  if (cell.state == State::kFreed) {
    fill_freed(slot, cell);
    if (settings.zones == Zones::kCanary) {
      if (!slot.span->keeps) fill(slot.start(), slot.end() - kCanary, 0);
      set_canary(slot.end());
    }
    return;
  }
  if (settings.zones == Zones::kNone) return;
  const Stretch left = left_of(slot, cell), right = right_of(slot, cell);
  fill(left.start, left.end, live_byte(slot));
  fill(right.start, right.end, live_byte(slot));
  if (settings.zones == Zones::kCanary) {
    set_canary(slot.end());
    set_canary(slot.start());
  }
}

namespace {

Stretch left_of(const Guarded& block) {
  return {block.block - block.start < kNear ? block.start : block.block - kNear, block.block};
}
Stretch right_of(const Guarded& block) {
  const std::uintptr_t from = block.block + block.size, end = block.start + block.bytes;
  return {from, end - from > kPageBytes ? from + kPageBytes : end};
}

}  // namespace

void fill_pages(void* start, std::size_t bytes) {
  constexpr unsigned char kPagePoison = 0xaa;  // the kernel's page_poison
  if (settings.checked && (settings.zero || settings.poison))
    std::memset(start, settings.zero ? 0 : kPagePoison, bytes);
}

void fill_guarded(const Guarded& block) {
  fill(left_of(block).start, left_of(block).end, kRedActive);
  fill(right_of(block).start, right_of(block).end, kRedActive);
  if (settings.poison && !block.sampled) fill(block.block, block.block + block.size, kPoisonNew);
}

Damage check_guarded(const Guarded& block) {
  if (const Damage d = check_stretch(left_of(block), kRedActive, kLeft)) return d;
  return check_stretch(right_of(block), kRedActive, kRight);
}

}  // namespace ashlar::check
