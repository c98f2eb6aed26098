// check: zones, canaries, poison: writing and checking them.
#include "check/fill.h"

#include <cstring>

namespace ashlar::check {

namespace {

// Canaries look at so many bytes at most beside a block, so that a small block in a large slot stays cheap.
constexpr std::size_t kNear = 64;

unsigned char byte_at(std::uintptr_t address) { return *reinterpret_cast<const unsigned char*>(address); }

std::uint64_t word_at(std::uintptr_t address) {
  std::uint64_t word = 0;
  std::memcpy(&word, reinterpret_cast<const void*>(address), sizeof word);
  return word;
}

// The word that ends at an address: no byte of it is zero or text, so that the usual overflows change it.
std::uint64_t canary_before(std::uintptr_t end) {
  return ((end ^ settings.secret) * 0x9e3779b97f4a7c15u) | 0x8181818181818181u;
}
unsigned char canary_byte(std::uintptr_t end) { return static_cast<unsigned char>(canary_before(end)); }

constexpr std::size_t kCanary = sizeof(std::uint64_t);

// Neighbours may write the same word at the same time, as each slot sees to the one before it.
void set_canary(std::uintptr_t end) {
  __atomic_store_n(reinterpret_cast<std::uint64_t*>(end - kCanary), canary_before(end), __ATOMIC_RELAXED);
}
bool canary_is_whole(std::uintptr_t end) {
  return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(end - kCanary), __ATOMIC_RELAXED) == canary_before(end);
}

std::uintptr_t first_wrong_canary_byte(std::uintptr_t end) {
  const std::uint64_t expected = canary_before(end);
  for (std::size_t i = 0; i < kCanary; ++i) {
    if (byte_at(end - kCanary + i) != static_cast<unsigned char>(expected >> (8 * i))) return end - kCanary + i;
  }
  return end - kCanary;
}

struct Stretch {
  std::uintptr_t start, end;
};

// Before the block, within its slot.
Stretch left_of(SlotRef slot, Cell cell) {
  const std::uintptr_t block = slot.block(cell);
  const bool whole = settings.zones != Zones::kCanary || block - slot.start() < kNear;
  return {whole ? slot.start() : block - kNear, block};
}

Stretch right_of(SlotRef slot, Cell cell) {
  const std::uintptr_t from = slot.block(cell) + cell.size;
  std::uintptr_t end = slot.end();
  if (settings.zones == Zones::kCanary) {
    end -= kCanary;
    if (end > from + kNear) end = from + kNear;
  }
  return {from, end};
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

std::uintptr_t find_other(std::uintptr_t start, std::uintptr_t end, unsigned char byte) {
  const std::uint64_t wanted = byte * 0x0101010101010101u;
  std::uintptr_t at = start;
  for (; at + 32 <= end; at += 32) {
    const std::uint64_t differ =
        (word_at(at) ^ wanted) | (word_at(at + 8) ^ wanted) | (word_at(at + 16) ^ wanted) | (word_at(at + 24) ^ wanted);
    if (differ != 0) break;
  }
  for (; at < end; ++at) {
    if (byte_at(at) != byte) return at;
  }
  return 0;
}

void prepare_fresh(SlotRef slot) {
  if (settings.zones == Zones::kCanary) set_canary(slot.end());
}

void fill_live(SlotRef slot, Cell cell) {
  if (settings.zones != Zones::kNone) {
    const unsigned char byte = live_byte(slot);
    const Stretch left = left_of(slot, cell), right = right_of(slot, cell);
    fill(left.start, left.end, byte);
    fill(right.start, right.end, byte);
  }
  // the slot before may never have been in use
  if (settings.zones == Zones::kCanary && (slot.index == 0 || slot.span->load(slot.index - 1).state == State::kFresh)) {
    set_canary(slot.start());
  }
  if (settings.poison) fill(slot.block(cell), slot.block(cell) + cell.size, kPoisonNew);
}

Damage check_live(SlotRef slot, Cell cell) {
  if (settings.zones == Zones::kNone) return {};
  const unsigned char byte = live_byte(slot);
  if (const Damage d = check_stretch(left_of(slot, cell), byte, kLeft)) return d;
  if (const Damage d = check_stretch(right_of(slot, cell), byte, kRight)) return d;
  if (settings.zones != Zones::kCanary) return {};
  if (!canary_is_whole(slot.end())) {
    const std::uintptr_t at = first_wrong_canary_byte(slot.end());
    return {kRight, at, static_cast<unsigned char>(canary_before(slot.end()) >> (8 * (at - slot.end() + kCanary)))};
  }
  if (!canary_is_whole(slot.start())) {
    const std::uintptr_t at = first_wrong_canary_byte(slot.start());
    return {kLeft, at, static_cast<unsigned char>(canary_before(slot.start()) >> (8 * (at - slot.start() + kCanary)))};
  }
  return {};
}

void fill_freed(SlotRef slot, Cell cell) {
  const std::uintptr_t block = slot.block(cell), end = block + cell.size;
  if (settings.zones == Zones::kRed) {
    fill(slot.start(), block, kRedInactive);
    fill(end, slot.end(), kRedInactive);
  } else if (settings.zero) {  // zones become part of the next block
    const Stretch left = left_of(slot, cell), right = right_of(slot, cell);
    fill(left.start, left.end, 0);
    fill(right.start, right.end, 0);
  }
  if (settings.poison && cell.size > 0) {
    fill(block, end - 1, kPoisonFree);
    fill(end - 1, end, kPoisonEnd);
  } else if (settings.zero) {
    fill(block, end, 0);
  }
}

Damage check_freed(SlotRef slot, Cell cell) {
  const std::uintptr_t block = slot.block(cell), end = block + cell.size;
  if (settings.poison && cell.size > 0) {
    if (const Damage d = check_stretch({block, end - 1}, kPoisonFree, kPoison)) return d;
    if (const Damage d = check_stretch({end - 1, end}, kPoisonEnd, kPoison)) return d;
  } else if (settings.zero) {
    if (const Damage d = check_stretch({block, end}, 0, kPoison)) return d;
  }
  if (settings.zones == Zones::kRed) {
    if (const Damage d = check_stretch({slot.start(), block}, kRedInactive, kLeft)) return d;
    return check_stretch({end, slot.end()}, kRedInactive, kRight);
  }
  if (settings.zones == Zones::kCanary && settings.zero) {
    if (const Damage d = check_stretch({slot.start(), block}, 0, kPoison)) return d;
    if (const Damage d = check_stretch({end, slot.end() - kCanary}, 0, kPoison)) return d;
    if (!canary_is_whole(slot.end())) return {kRight, first_wrong_canary_byte(slot.end()), canary_byte(slot.end())};
  }
  return {};
}

void repair(SlotRef slot, Cell cell) {
  if (cell.state == State::kFreed) {
    fill_freed(slot, cell);
    if (settings.zones == Zones::kCanary) {
      fill(slot.start(), slot.end() - kCanary, 0);
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
