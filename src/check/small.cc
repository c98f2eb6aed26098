// check: blocks in slots: handing out and taking back.
#include "check/small.h"

#include "check/canary.h"
#include "os/sanitizers.h"

namespace ashlar::check {

namespace {

constexpr std::size_t kMaxAlign = 4_KiB;
constexpr std::size_t kMaxOffset = (std::size_t{1} << 9) - 1;  // as Cell::offset holds
constexpr unsigned kMaxTurn = 7;
static_assert(slab::kMaxSmall <= UINT16_MAX, "Cell::size holds what a slot holds");
static_assert(kMaxAlign / kMinAlign < kMaxOffset, "Cell::offset holds what alignment asks for");

// What a slot becomes when it is handed out.
Cell next_cell(Cell before, std::size_t size, std::size_t offset, Form form) {
  Cell cell;
  cell.size = static_cast<std::uint16_t>(size);
  cell.offset = offset & kMaxOffset;
  cell.state = State::kMoving;
  cell.form = form;
  cell.turn = (before.turn + 1u) & kMaxTurn;
  return cell;
}

Cell made_live(Cell cell) {
  cell.state = State::kLive;
  return cell;
}

// The place of a block in its slot: behind the left zone, and aligned.
Cell cell_for(SlotRef slot, Cell before, std::size_t size, std::size_t alignment, Form form) {
  const std::uintptr_t start = slot.start();
  // what keeps its bytes does not start its slot, which tells it from what is cleared in a hurry (release_small)
  const std::size_t left = slot.span->keeps && slot.span->checks.left() == 0 ? kMinAlign : slot.span->checks.left();
  const std::uintptr_t block = round_up(start + left, alignment > kMinAlign ? alignment : kMinAlign);
  return next_cell(before, size, (block - start) / kMinAlign, form);
}

Tracks* tracks_of(SlotRef slot) { return slot.span->checks.user ? &slot.span->tracks[slot.index] : nullptr; }

// Hands out a slot under harden alone. Null, with the slot as it was, if it is not whole, or the block is not to start
// where the slot does.
[[gnu::always_inline]] inline void* hand_out_plain(SlotRef slot, Cell before, std::size_t size, std::size_t alignment,
                                                   Form form) {
  if (!slot.span->checks.plain || alignment > kMinAlign) return nullptr;
  const std::uintptr_t start = slot.start(), end = start + slot.span->slot_bytes;
  const std::uint64_t canary = canary_before(end, slot.span->key);
  if (before.state != State::kFreed) {
    if (!is_zero(first_of(start, end)) || !is_zero(last_of(start, end))) [[unlikely]]
      return nullptr;
    prepare_fresh(slot);  // before the next slot's thread can see that this one is no longer fresh
  } else if (!free_is_whole(start, end, canary)) [[unlikely]] {
    return nullptr;
  }
  const Cell cell = next_cell(before, size, 0, form);
  slot.span->store(slot.index, cell);
  arm(start, end, size, canary);
  slot.span->store(slot.index, made_live(cell));
  return reinterpret_cast<void*>(start);
}

// The slot whose live block starts at p, with what its cell says; none, and reported, otherwise.
SlotRef live_slot(Span& span, std::uintptr_t p, Cell& cell, const char* caller) {
  if (p >= span.slot(0)) {
    const std::uint32_t index =
        static_cast<std::uint32_t>(p - span.slot(0)) / span.slot_bytes;  // spans are below 4 GiB
    const SlotRef slot{&span, index};
    if (index < span.capacity) {
      cell = slot.load();
      if (cell.state == State::kLive && p == slot.block(cell)) return slot;
    }
  }
  report_bad_pointer(span, p, caller);
  return {};
}

// Returns whether the form and size given to the deallocation match the allocation. A size that was not given matches.
bool is_form(Cell cell, Form form, std::size_t size) {
  return options.mismatch == 0 || (cell.form == form && (size == kNoSize || size == cell.size));
}

// All that is to be looked at and done to a block's bytes when it is freed.
void take_back(SlotRef slot, Cell cell, Form form, std::size_t size, const char* caller) {
  if (!is_form(cell, form, size)) {
    report_mismatch(cache_name(*slot.span->of, cell.size).view(), slot.block(cell), cell.form, form, cell.size, size,
                    caller, tracks_of(slot));
  }
  if (const Damage damage = check_live(slot, cell)) report_damage(slot, cell, damage, caller);
  if (const Damage damage = check_beside(slot)) report_damage(slot, cell, damage, caller);
  if (slot.span->checks.trace) trace(cache_name(*slot.span->of, cell.size).view(), "free", slot.block(cell), cell.size);
  if (slot.span->checks.user) record(tracks_of(slot)->freed);
  fill_freed(slot, cell);
}

}  // namespace

SizeClass slot_class_for(const Checks& checks, std::size_t size, std::size_t alignment) {
  if (size > slab::kMaxSmall || alignment > kMaxAlign) return {};
  // an aligned block of no bytes lies within its slot too: the end of the slot is the next one's address
  const std::size_t own = checks.tail() + (size == 0 ? 1 : size);
  const std::size_t bytes = checks.left() + own + (alignment > kMinAlign ? alignment - kMinAlign : 0);
  return bytes > slab::kMaxSmall ? SizeClass{} : slab::class_for(bytes);
}

namespace {

// In a signal handler that interrupted its own thread in here.
void* allocate_in_handler(std::size_t size, std::size_t alignment) { return heap::allocate_emergency(size, alignment); }

void* hand_out(SlotRef slot, Cell before, std::size_t size, std::size_t alignment, Form form,
               slab::Constructor constructor) {
  const Cell cell = cell_for(slot, before, size, alignment, form);
  if (before.state == State::kFreed) {
    if (const Damage damage = check_freed(slot, before)) report_damage(slot, before, damage, "malloc()");
  } else {
    if (const Damage damage = check_fresh(slot)) report_damage(slot, before, damage, "malloc()");
    prepare_fresh(slot);  // before the next slot's thread can see that this one is no longer fresh
  }
  slot.span->store(slot.index, cell);
  fill_live(slot, cell);
  if (slot.span->checks.user) {
    tracks_of(slot)->freed = {};
    record(tracks_of(slot)->allocated);
  }
  const std::uintptr_t block = slot.block(cell);
  // the program's code, with no lock held
  if (constructor != nullptr && before.state == State::kFresh) constructor(reinterpret_cast<void*>(block));
  slot.span->store(slot.index, made_live(cell));
  if (slot.span->checks.trace) trace(cache_name(*slot.span->of, size).view(), "alloc", block, size);
  return reinterpret_cast<void*>(block);
}

}  // namespace

void* allocate_small(SizeClass slot_class, std::size_t size, std::size_t alignment, Form form, bool& zeroed) {
  SlotRef slot;
  bool tick_due = false;
  {
    const Entered shard;
    if (!shard) return allocate_in_handler(size, alignment);
    tick_due = count_allocation(*shard);
    slot = pop_slot(*shard, slot_class);
    if (!slot && page::reclaim_all()) slot = pop_slot(*shard, slot_class);
  }
  if (tick_due) [[unlikely]]
    tick_threads();
  if (!slot) return nullptr;
  zeroed = settings.zero;
  os::take_over(slot.span);
  const Cell before = slot.load();
  if (void* const p = hand_out_plain(slot, before, size, alignment, form)) return p;
  return hand_out(slot, before, size, alignment, form, nullptr);
}

SizeClass object_class_for(const Handle& cache, const Slots& of) {
  return slot_class_for(of.checks, cache.size + (has_constructor(cache) ? kMinAlign : 0), cache.alignment);
}

void* allocate_small_object(const Handle& cache, Slots& of) {
  SlotRef slot;
  {
    const Entered shard;
    if (!shard) return nullptr;
    const SizeClass slot_class = object_class_for(cache, of);
    slot = take_object_slot(of, slot_class, next_random(*shard));
    if (!slot && page::reclaim_all()) slot = take_object_slot(of, slot_class, next_random(*shard));
  }
  if (!slot) return nullptr;
  os::take_over(slot.span);
  return hand_out(slot, slot.load(), cache.size, cache.alignment, Form::kMalloc, cache.named->ctor);
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
  const std::uintptr_t start = slot.start(), end = start + span.slot_bytes;
  if (span.checks.plain && cell.offset == 0 && is_form(cell, form, size) &&
      live_is_whole(start, end, cell.size, span.key) && beside_is_zero(span, slot.index, start, end)) [[likely]] {
    fill(start, near_end(start + cell.size, end), 0);
  } else {
    take_back(slot, cell, form, size, caller);
  }
  os::hand_over(&span);
  cell.state = State::kFreed;
  span.store(slot.index, cell);
  const Entered shard;
  if (shard) push_slot(*shard, slot);  // else in a signal handler: the slot is lost
}

bool resize_small(Span& span, std::uintptr_t p, std::size_t size) {
  if (slot_class_for(span.checks, size, kMinAlign) != span.slot_class || span.of->owner != nullptr) return false;
  const auto index = static_cast<std::uint32_t>((p - span.slot(0)) / span.slot_bytes);
  const SlotRef slot{&span, index};
  const Cell before = slot.load();
  // what is not as it should be, freeing it will tell
  if (before.state != State::kLive || before.offset != 0 || before.form != Form::kMalloc || p != slot.start())
    return false;
  Cell cell = before;
  cell.state = State::kMoving;
  if (!span.change(index, before, cell)) return false;
  const std::uintptr_t end = slot.end();
  const bool whole = live_is_whole(p, end, before.size, span.key);
  if (whole) {
    const std::uintptr_t from = p + (size < before.size ? size : before.size);
    fill(from, near_end(p + before.size, end), 0);
    const std::uintptr_t zone_end = near_end(p + size, end);
    if (p + size < zone_end) fill(p + size, zone_end, canary_byte(end, span.key));
    cell.size = static_cast<std::uint16_t>(size);
  }
  span.store(index, made_live(cell));
  return whole;
}

std::size_t size_of_small(const Span& span, std::uintptr_t p, const char* caller) {
  Cell cell;
  // looked at only
  return live_slot(const_cast<Span&>(span), p, cell, caller) ? cell.size : 0;
}

}  // namespace ashlar::check
