// check: the invariants of spans and of shards; what is in the blocks is validate_check.cc's.
#include "check/shard.h"

namespace ashlar::check {

namespace {

// True when the slot is not handed out.
bool is_back(Cell cell) { return cell.state == State::kFresh || cell.state == State::kFreed; }

Broken check_bits(const Span& span, [[maybe_unused]] Slots& of) ASHLAR_REQUIRES(of.lock) {
  std::uint32_t free = 0;
  for (std::uint32_t w = 0; w < (span.capacity + 63) / 64; ++w) {
    const std::uint64_t bits = span.free_bits[w];
    if (bits != 0 && w < span.lowest) return broken("no slot of a span is free before its lowest word", &span);
    free += static_cast<std::uint32_t>(std::popcount(bits));
    for (std::uint64_t left = bits; left != 0; left &= left - 1) {
      const std::uint32_t i = w * 64 + static_cast<std::uint32_t>(std::countr_zero(left));
      if (i >= span.capacity) return broken("a span's free slots are slots of it", &span);
      if (!is_back(span.load(i))) return broken("nobody has a free slot", &span.cells[i]);
    }
  }
  return free == span.free ? Broken{} : broken("a span counts its free slots", &span);
}

Broken check_partial(Slots& of) ASHLAR_REQUIRES(of.lock) {
  const Span* before = nullptr;
  std::uint32_t n = 0;
  for (const Span* span = of.partial.front(); span != nullptr; before = span, span = span->next) {
    if (span->prev != before) return broken("the links of partial spans lead to and fro", span);
    if (span->of != &of || span->start == 0) return broken("a partial span is one of its slot size, and in use", span);
    if (span->free == 0) return broken("a partial span has free slots", span);
    if (++n > of.spans) return broken("no more spans are partial than there are", &of);
  }
  return of.partial.back() == before ? Broken{} : broken("the list of partial spans ends with its last", before);
}

// A span that ends is on no list any more, with all of its slots free.
Broken check_slots(Slots& of) {
  const Guard guard(of.lock);
  if (const Broken b = check_partial(of)) return b;
  std::uint32_t n = 0, open = 0, listed = 0;
  for (const Span* span = all_spans(); span != nullptr; span = span->next_of_all) {
    if (span->slots() != &of || __atomic_load_n(&span->start, __ATOMIC_ACQUIRE) == 0) continue;
    if (const Broken b = check_bits(*span, of)) return b;
    ++n;
    if (span->free != 0 && span->free != span->capacity) ++open;
  }
  for (const Span* span = of.partial.front(); span != nullptr; span = span->next) {
    if (span->free != span->capacity) ++listed;
  }
  if (n != of.spans) return broken("the spans of a slot size are counted", &of);
  return listed == open ? Broken{} : broken("a span with slots of either kind is partial", &of);
}

bool is_waiting(SlotRef slot) {
  return slot.span->start != 0 && slot.index < slot.span->capacity && is_back(slot.load());
}

Broken check_ready(Shard& shard, unsigned c) ASHLAR_REQUIRES(shard.lock) {
  if (shard.ready_count[c] > kMaxReady) return broken("a shard has no more slots at hand than room", &shard);
  for (unsigned i = 0; i < shard.ready_count[c]; ++i) {
    const SlotRef& slot = shard.ready[c][i];
    if (slot.span == nullptr || slot.span->slot_class.raw != c) return broken("a slot at hand is of its size", &slot);
    if (!is_waiting(slot)) return broken("nobody has a slot at hand", &slot);
  }
  return {};
}

Broken check_shard(Shard& shard) {
  const Guard guard(shard.lock);
  for (unsigned c = 0; c < slab::kClasses; ++c) {
    if (const Broken b = check_ready(shard, c)) return b;
  }
  if (shard.waiting_count > kMaxWaiting || shard.waiting_first >= kMaxWaiting)
    return broken("a quarantine has no more slots than room", &shard);
  std::size_t bytes = 0;
  for (std::uint32_t i = 0; i < shard.waiting_count; ++i) {
    const SlotRef& slot = shard.waiting[(shard.waiting_first + i) % kMaxWaiting];
    if (slot.span == nullptr || !is_waiting(slot)) return broken("nobody has a slot in quarantine", &slot);
    bytes += slot.span->slot_bytes;
  }
  return bytes == shard.waiting_bytes ? Broken{} : broken("a quarantine counts its bytes", &shard);
}

}  // namespace

Broken validate_structures() {
  for (Shard& shard : shards) {
    if (const Broken b = check_shard(shard)) return b;
  }
  Broken found;
  for_all_slots([&](Slots& of) {
    if (!found) found = check_slots(of);
  });
  return found;
}

}  // namespace ashlar::check
