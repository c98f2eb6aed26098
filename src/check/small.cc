// check: blocks in slots: handing out and taking back.
#include "check/small.h"

namespace ashlar::check {

namespace {

constexpr std::size_t kMostAlign = 4096;

// The place of a block in its slot: behind the left zone, and aligned.
Cell cell_for(SlotRef slot, std::size_t size, std::size_t alignment, Form form, State state) {
  const std::uintptr_t start = slot.start();
  const std::uintptr_t block = round_up(start + settings.left, alignment > kMinAlign ? alignment : kMinAlign);
  return {static_cast<std::uint32_t>(size), static_cast<std::uint16_t>((block - start) / kMinAlign), state, form};
}

Tracks* tracks_of(SlotRef slot) { return settings.user ? &slot.span->tracks[slot.index] : nullptr; }

SlotRef take_slot(SizeClass slot_class, bool& in_handler) {
  const Entered shard;
  in_handler = !shard;
  if (in_handler) return {};
  SlotRef slot = pop_slot(*shard, slot_class);
  if (!slot && page::reclaim_all()) slot = pop_slot(*shard, slot_class);
  return slot;
}

// The slot whose live block starts at p, with what its cell says; none, and reported, otherwise.
SlotRef live_slot(Span& span, std::uintptr_t p, Cell& cell, const char* caller) {
  if (p >= span.slot(0)) {
    const auto index = static_cast<std::uint32_t>((p - span.slot(0)) / span.slot_bytes);
    const SlotRef slot{&span, index};
    if (index < span.capacity) {
      cell = slot.load();
      if (cell.state == State::kLive && p == slot.block(cell)) return slot;
    }
  }
  report_bad_pointer(span, p, caller);
  return {};
}

void check_form(SlotRef slot, Cell cell, Form form, std::size_t size, const char* caller) {
  if (options.mismatch == 0 || (cell.form == form && (size == kNoSize || size == cell.size))) return;
  report_mismatch(cache_name(cell.size).view(), slot.block(cell), cell.form, form, cell.size, size, caller,
                  tracks_of(slot));
}

}  // namespace

SizeClass slot_class_for(std::size_t size, std::size_t alignment) {
  if (size > slab::kMaxSmall || alignment > kMostAlign) return {};
  const std::size_t room = settings.left + size + settings.tail + (alignment > kMinAlign ? alignment - kMinAlign : 0);
  return room > slab::kMaxSmall ? SizeClass{} : slab::class_for(room);
}

void* allocate_small(SizeClass slot_class, std::size_t size, std::size_t alignment, Form form, bool& zeroed) {
  bool in_handler = false;
  const SlotRef slot = take_slot(slot_class, in_handler);
  if (in_handler) return alignment <= kMinAlign ? heap::allocate_emergency(size) : nullptr;
  if (!slot) return nullptr;
  const Cell before = slot.load();
  Cell cell = cell_for(slot, size, alignment, form, State::kMoving);
  if (before.state == State::kFreed) {
    if (const Damage damage = check_freed(slot, before)) report_damage(slot, before, damage, "malloc()");
  } else {
    prepare_fresh(slot);  // before the next slot's thread can see that this one is no longer fresh
  }
  slot.span->store(slot.index, cell);
  fill_live(slot, cell);
  if (settings.user) {
    tracks_of(slot)->freed = {};
    record(tracks_of(slot)->allocated);
  }
  cell.state = State::kLive;
  slot.span->store(slot.index, cell);
  zeroed = settings.zero;
  const std::uintptr_t block = slot.block(cell);
  if (settings.trace) trace("alloc", block, size);
  return reinterpret_cast<void*>(block);
}

void release_small(Span& span, std::uintptr_t p, Form form, std::size_t size, const char* caller) {
  Cell cell;
  const SlotRef slot = live_slot(span, p, cell, caller);
  if (!slot) return;
  Cell moving = cell;
  moving.state = State::kMoving;
  if (!span.change(slot.index, cell, moving)) {  // another thread frees it just now
    report_bad_pointer(span, p, caller);
    return;
  }
  check_form(slot, cell, form, size, caller);
  if (const Damage damage = check_live(slot, cell)) report_damage(slot, cell, damage, caller);
  if (settings.trace) trace("free", p, cell.size);
  if (settings.user) record(tracks_of(slot)->freed);
  fill_freed(slot, cell);
  cell.state = State::kFreed;
  span.store(slot.index, cell);
  const Entered shard;
  if (shard) push_slot(*shard, slot);  // else in a signal handler: the slot is lost
}

bool find_small(const Span& span, std::uintptr_t p, std::size_t& bytes, const char* caller) {
  Cell cell;
  // looked at only
  if (!live_slot(const_cast<Span&>(span), p, cell, caller)) return false;
  bytes = cell.size;
  return true;
}

}  // namespace ashlar::check
