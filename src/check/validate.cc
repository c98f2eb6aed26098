// check: checking all blocks at once. A slot that changes hands meanwhile is left out; a span that is looked through
// does not end.
#include "check/report.h"

namespace ashlar::check {

namespace {

bool same(Cell a, Cell b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }

// A fault counts if the slot is still what it was, twice: else somebody was just about to change it.
std::size_t validate_slot(SlotRef slot) {
  const Cell cell = slot.load();
  if (cell.state != State::kLive && cell.state != State::kFreed) return 0;
  const auto look = [&] { return cell.state == State::kLive ? check_live(slot, cell) : check_freed(slot, cell); };
  if (!look() || !same(slot.load(), cell)) return 0;
  const Damage damage = look();
  if (!damage || !same(slot.load(), cell)) return 0;
  report_damage(slot, cell, damage, "the check of all blocks");
  return 1;
}

std::size_t validate_span(Span* span) {
  std::size_t faults = 0;
  keep_spans();
  const bool in_use = __atomic_load_n(&span->start, __ATOMIC_ACQUIRE) != 0;
  for (std::uint32_t i = 0; in_use && i < span->capacity; ++i) faults += validate_slot({span, i});
  let_spans_end();
  return faults;
}

std::size_t validate_guarded(const Guarded& block) {
  if (block.state.load(std::memory_order_acquire) != State::kLive) return 0;
  const Damage damage = check_guarded(block);
  if (!damage || block.state.load(std::memory_order_acquire) != State::kLive) return 0;
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
