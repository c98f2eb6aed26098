// check: zones, canaries, poison: writing and checking them.
#include "check/fill.h"

#include "base/bytes.h"
#include "check/canary.h"

namespace ashlar::check {

namespace {

unsigned char byte_at(std::uintptr_t address) { return *reinterpret_cast<const unsigned char*>(address); }

// Before the block, within its slot.
Stretch left_of(SlotRef slot, Cell cell) {
  const std::uintptr_t start = slot.start(), bytes = std::uintptr_t{cell.offset} * kMinAlign;
  const bool near = slot.span->checks.red_zones == RedZones::kCanary && bytes > kNear;
  return {near ? start + bytes - kNear : start, start + bytes};
}

Stretch right_of(SlotRef slot, Cell cell) {
  const std::uintptr_t start = slot.start();
  const std::uintptr_t from = start + std::uintptr_t{cell.offset} * kMinAlign + cell.size;
  const std::uintptr_t end = start + slot.span->slot_bytes;
  return {from, slot.span->checks.red_zones == RedZones::kCanary ? near_end(from, end) : end};
}

// Its first wrong byte; the first one if another thread has put it right meanwhile.
Damage broken_canary(std::uintptr_t end, std::uint64_t key, std::string_view what) {
  const std::uint64_t expected = canary_before(end, key);
  const auto expected_at = [expected](std::size_t i) { return static_cast<unsigned char>(expected >> (8 * i)); };
  std::size_t i = 0;
  while (i < kCanary && byte_at(end - kCanary + i) == expected_at(i)) ++i;
  i %= kCanary;
  return {what, end - kCanary + i, expected_at(i)};
}

unsigned char live_byte(SlotRef slot) {
  return slot.span->checks.red_zones == RedZones::kRed ? kRedActive : canary_byte(slot.end(), slot.span->key);
}

Damage check_stretch(Stretch s, unsigned char byte, std::string_view what) {
  if (const std::uintptr_t at = find_other(s.start, s.end, byte)) return {what, at, byte};
  return {};
}

constexpr std::string_view kLeft = "left redzone overwritten", kRight = "right redzone overwritten",
                           kPoison = "object written after it was freed",
                           kUnused = "memory written to that was never allocated";

}  // namespace

void fill(std::uintptr_t start, std::uintptr_t end, unsigned char byte) {
  fill_block(reinterpret_cast<void*>(start), byte, end - start);
}

// A word at a time, those at the ends masked: whose bytes they also hold does not matter. Nothing is torn by a look at
// a live block from another thread (validate), which TSan is therefore told to leave alone.
__attribute__((no_sanitize("thread"))) std::uintptr_t find_other(std::uintptr_t start, std::uintptr_t end,
                                                                 unsigned char byte) {
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
  if (slot.span->checks.red_zones != RedZones::kCanary) return;
  set_canary(slot.end(), slot.span->key);
  if (slot.index == 0 || slot.span->load(slot.index - 1).state == State::kFresh)
    set_canary(slot.start(), slot.span->key);
}

void fill_live(SlotRef slot, Cell cell) {
  if (slot.span->checks.red_zones != RedZones::kNone) {
    const unsigned char byte = live_byte(slot);
    const Stretch left = left_of(slot, cell), right = right_of(slot, cell);
    fill(left.start, left.end, byte);
    fill(right.start, right.end, byte);
  }
  if (slot.span->checks.poison && !slot.span->keeps) fill(slot.block(cell), slot.block(cell) + cell.size, kPoisonNew);
}

Damage check_live(SlotRef slot, Cell cell) {
  if (slot.span->checks.red_zones == RedZones::kNone) return {};
  const unsigned char byte = live_byte(slot);
  if (const Damage d = check_stretch(left_of(slot, cell), byte, kLeft)) return d;
  if (const Damage d = check_stretch(right_of(slot, cell), byte, kRight)) return d;
  if (slot.span->checks.red_zones != RedZones::kCanary) return {};
  if (!canary_is_whole(slot.end(), slot.span->key)) {
    return broken_canary(slot.end(), slot.span->key, kRight);
  }
  if (!canary_is_whole(slot.start(), slot.span->key)) {
    return broken_canary(slot.start(), slot.span->key, kLeft);
  }
  return {};
}

namespace {

constexpr std::string_view kBeside = "free memory beside the block overwritten";

// A stretch of a free neighbour. Another thread may be handing that out just now: then its cell changes before
// its bytes.
Damage check_neighbour(SlotRef neighbour, Stretch s) {
#ifdef __SANITIZE_THREAD__
  return {};  // a look at bytes that is thrown away where they changed meanwhile is a race to ThreadSanitizer
#endif
  const Cell before = neighbour.load();
  if (is_out(before.state)) return {};
  const Damage damage = check_stretch(s, 0, kBeside);
  // The bytes are read before the cell is read again. Pairs with the release in Span::store.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wunknown-warning-option"  // Clang knows no -Wtsan
#pragma GCC diagnostic ignored "-Wtsan"
  std::atomic_thread_fence(std::memory_order_acquire);
#pragma GCC diagnostic pop
  return std::bit_cast<std::uint32_t>(neighbour.load()) == std::bit_cast<std::uint32_t>(before) ? damage : Damage{};
}

}  // namespace

Damage check_beside(SlotRef slot) {
  if (!slot.span->checks.plain || slot.span->keeps) return {};
  if (slot.index > 0) {
    const SlotRef before{slot.span, slot.index - 1};
    if (const Damage d = check_neighbour(before, last_of(before.start(), before.end()))) return d;
  }
  if (slot.index + 1 == slot.span->capacity) return {};
  const SlotRef behind{slot.span, slot.index + 1};
  return check_neighbour(behind, first_of(behind.start(), behind.end()));
}

Damage check_fresh(SlotRef slot) {
  if (!slot.span->checks.zero || slot.span->checks.red_zones != RedZones::kCanary) return {};
  if (const Damage d = check_stretch(first_of(slot.start(), slot.end()), 0, kUnused)) return d;
  return check_stretch(last_of(slot.start(), slot.end()), 0, kUnused);
}

void fill_freed(SlotRef slot, Cell cell) {
  if (slot.span->checks.zero &&
      slot.span->checks.red_zones == RedZones::kCanary) {  // zones become part of the next block
    const Stretch left = left_of(slot, cell), right = right_of(slot, cell);
    fill(left.start, slot.span->keeps ? left.end : right.end, 0);
    if (slot.span->keeps) fill(right.start, right.end, 0);
    return;
  }
  const std::uintptr_t block = slot.block(cell), end = block + cell.size;
  if (slot.span->checks.red_zones == RedZones::kRed) {
    fill(slot.start(), block, kRedInactive);
    fill(end, slot.end(), kRedInactive);
  }
  if (slot.span->keeps) return;
  if (slot.span->checks.poison && cell.size > 0) {
    fill(block, end - 1, kPoisonFree);
    fill(end - 1, end, kPoisonEnd);
  } else if (slot.span->checks.zero) {
    fill(block, end, 0);
  }
}

Damage check_freed(SlotRef slot, Cell cell) {
  if (slot.span->checks.zero && slot.span->checks.red_zones == RedZones::kCanary) {
    const std::uintptr_t slot_end = slot.end();
    // of one that keeps its bytes, what lies around them
    const Stretch first = slot.span->keeps ? left_of(slot, cell) : Stretch{slot.start(), slot_end - kCanary};
    const Stretch second = slot.span->keeps ? right_of(slot, cell) : Stretch{};
    if (const Damage d = check_stretch(first, 0, kPoison)) return d;
    if (const Damage d = check_stretch(second, 0, kPoison)) return d;
    if (canary_is_whole(slot_end, slot.span->key)) return {};
    return broken_canary(slot_end, slot.span->key, kRight);
  }
  const std::uintptr_t block = slot.block(cell), end = block + cell.size;
  if (slot.span->keeps) {  // the program's, even while it is free
  } else if (slot.span->checks.poison && cell.size > 0) {
    if (const Damage d = check_stretch({block, end - 1}, kPoisonFree, kPoison)) return d;
    if (const Damage d = check_stretch({end - 1, end}, kPoisonEnd, kPoison)) return d;
  } else if (slot.span->checks.zero) {
    if (const Damage d = check_stretch({block, end}, 0, kPoison)) return d;
  }
  if (slot.span->checks.red_zones == RedZones::kRed) {
    if (const Damage d = check_stretch({slot.start(), block}, kRedInactive, kLeft)) return d;
    return check_stretch({end, slot.end()}, kRedInactive, kRight);
  }
  return {};
}

void repair(SlotRef slot, Cell cell, const Damage& damage) {
  if (damage.what == kBeside || damage.what == kUnused) return fill(damage.address, damage.address + 1, 0);
  if (cell.state == State::kFreed) {
    fill_freed(slot, cell);
    if (slot.span->checks.red_zones == RedZones::kCanary) {
      if (!slot.span->keeps) fill(slot.start(), slot.end() - kCanary, 0);
      set_canary(slot.end(), slot.span->key);
    }
    return;
  }
  if (slot.span->checks.red_zones == RedZones::kNone) return;
  const Stretch left = left_of(slot, cell), right = right_of(slot, cell);
  fill(left.start, left.end, live_byte(slot));
  fill(right.start, right.end, live_byte(slot));
  if (slot.span->checks.red_zones == RedZones::kCanary) {
    set_canary(slot.end(), slot.span->key);
    set_canary(slot.start(), slot.span->key);
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
  if (settings.checked && (settings.zero || settings.poison)) fill_block(start, settings.zero ? 0 : kPagePoison, bytes);
}

void fill_guarded(const Guarded& block) {
  fill(left_of(block).start, left_of(block).end, block.red_zone_byte);
  fill(right_of(block).start, right_of(block).end, block.red_zone_byte);
  if (block.checks.poison && !block.sampled) fill(block.block, block.block + block.size, kPoisonNew);
}

Damage check_guarded(const Guarded& block) {
  if (const Damage d = check_stretch(left_of(block), block.red_zone_byte, kLeft)) return d;
  return check_stretch(right_of(block), block.red_zone_byte, kRight);
}

}  // namespace ashlar::check
