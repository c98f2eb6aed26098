// check: checking all blocks at once. A slot that changes hands meanwhile is left out; neither a span nor a guarded
// block ends while it is looked at. A signal handler that interrupted this layer finds nothing.
#include "check/report.h"
#include "check/shard.h"

namespace ashlar::check {

namespace {

bool same(Cell a, Cell b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }

// What is wrong with a slot. It counts if the slot is unchanged after two looks: else another thread is changing
// it.
Damage look_at(SlotRef slot, Cell& cell) {
  cell = slot.load();
  if (cell.state != State::kLive && cell.state != State::kFreed) return {};
  const auto look = [&] { return cell.state == State::kLive ? check_live(slot, cell) : check_freed(slot, cell); };
  if (!look() || !same(slot.load(), cell)) return {};
  const Damage damage = look();
  return damage && same(slot.load(), cell) ? damage : Damage{};
}

// The first slot from `i` on that has a fault, or the span's capacity.
std::uint32_t find_fault(Span* span, std::uint32_t i, Cell& cell, Damage& damage) {
  const Entered shard;  // so that no signal handler waits for the lock that is held below
  if (!shard) return span->capacity;
  keep_spans();
  if (__atomic_load_n(&span->start, __ATOMIC_ACQUIRE) == 0) i = span->capacity;
  while (i < span->capacity && !(damage = look_at({span, i}, cell))) ++i;
  let_spans_end();
  return i;
}

// Repairs what was reported, if the slot was not changed meanwhile.
void repair_unless_changed(SlotRef slot, Cell cell, const Damage& damage) {
  const Entered shard;
  if (!shard) return;
  keep_spans();
  if (__atomic_load_n(&slot.span->start, __ATOMIC_ACQUIRE) != 0 && same(slot.load(), cell)) repair(slot, cell, damage);
  let_spans_end();
}

// Reports without the lock: a report may free memory, and its signal handlers may, which may end a span.
std::size_t validate_span(Span* span) {
  std::size_t faults = 0;
  Cell cell;
  Damage damage;
  for (std::uint32_t i = 0; (i = find_fault(span, i, cell, damage)) < span->capacity; ++i, ++faults) {
    tell_damage({span, i}, cell, damage, "the check of all blocks");
    repair_unless_changed({span, i}, cell, damage);
  }
  return faults;
}

std::size_t validate_guarded(const Guarded& block) {
  const Damage damage = look_at_zones(block);
  if (!damage) return 0;
  report_damage(block, damage, "the check of all blocks");
  return 1;
}

}  // namespace

std::size_t validate() {
  std::size_t faults = 0;
  for (Span* span = all_spans(); span != nullptr; span = span->next_of_all) faults += validate_span(span);
  for (const Guarded* block = all_guarded(); block != nullptr; block = block->next_of_all) {
    faults += validate_guarded(*block);
  }
  return faults;
}

}  // namespace ashlar::check
