// check: slots at hand, and the quarantine.
#include "check/shard.h"

#include <array>
#include <utility>

#include "base/hints.h"

namespace ashlar::check {

[[ASHLAR_SPARSE]] constinit Shard shards[kShards];
constinit Threads threads;

namespace {

// Slots at hand of one size: some 8 KiB of them.
constexpr auto kReady = [] {
  std::array<std::uint8_t, slab::kClasses> table{};
  for (unsigned c = 1; c < slab::kClasses; ++c) {
    const std::size_t n = 8_KiB / slab::kClassTable[c].size;
    table[c] = static_cast<std::uint8_t>(n < 2 ? 2 : n > kMaxReady ? kMaxReady : n);
  }
  return table;
}();

void put_ready(Shard& shard, SlotRef slot) ASHLAR_REQUIRES(shard.lock) {
  const SizeClass c = slot.span->slot_class;
  if (slot.span->of->owner != nullptr) return return_slots(*slot.span->of, &slot, 1);  // none at hand: caches are many
  std::uint16_t& count = shard.ready_count[c.raw];
  SlotRef* const ready = shard.ready[c.raw];
  if (count == kReady[c.raw]) {
    const std::uint32_t half = count / 2u;
    count = static_cast<std::uint16_t>(count - half);
    return_slots(*slot.span->of, &ready[count], half);
  }
  ready[count] = slot;
  if (settings.random && count > 0) std::swap(ready[count], ready[count - 1]);  // what was drawn stays the last
  ++count;
}

// Draws the slot that goes next, and has the processor fetch what handing it out will look at.
void draw(Shard& shard, SlotRef* ready, std::uint32_t count) ASHLAR_REQUIRES(shard.lock) {
  const auto pick = static_cast<std::uint32_t>((next_random(shard) >> 32) * count >> 32);
  std::swap(ready[pick], ready[count - 1]);
  const SlotRef next = ready[count - 1];
  __builtin_prefetch(reinterpret_cast<const void*>(next.start()), 1);
  __builtin_prefetch(&next.span->cells[next.index], 1);
}

}  // namespace

SlotRef pop_slot(Shard& shard, SizeClass slot_class) {
  shard.lock.assert_held();
  SlotRef* const ready = shard.ready[slot_class.raw];
  std::uint32_t count = shard.ready_count[slot_class.raw];
  if (count == 0) {
    const std::uint32_t want = (kReady[slot_class.raw] + 1u) / 2;
    count = take_slots(slot_class, ready, want, next_random(shard));
    if (count == 0) return {};
    if (settings.random) draw(shard, ready, count);
  }
  const SlotRef slot = ready[--count];
  if (settings.random && count > 0) draw(shard, ready, count);
  shard.ready_count[slot_class.raw] = static_cast<std::uint16_t>(count);
  return slot;
}

void push_slot(Shard& shard, SlotRef slot) {
  shard.lock.assert_held();
  while (shard.waiting_count == kMaxWaiting ||
         (shard.waiting_count > 0 && shard.waiting_bytes + slot.span->slot_bytes > settings.quarantine_bytes)) {
    const SlotRef oldest = shard.waiting[shard.waiting_first];
    shard.waiting_first = (shard.waiting_first + 1) % kMaxWaiting;
    --shard.waiting_count;
    shard.waiting_bytes -= oldest.span->slot_bytes;
    put_ready(shard, oldest);
  }
  shard.waiting[(shard.waiting_first + shard.waiting_count) % kMaxWaiting] = slot;
  ++shard.waiting_count;
  shard.waiting_bytes += slot.span->slot_bytes;
}

namespace {

// Takes up to `max` slots of a cache out of a quarantine.
unsigned pick_waiting(Shard& shard, const Slots& of, SlotRef* into, unsigned max) {
  const Guard guard(shard.lock);
  unsigned picked = 0;
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < shard.waiting_count; ++i) {
    const SlotRef slot = shard.waiting[(shard.waiting_first + i) % kMaxWaiting];
    if (slot.span->of == &of && picked < max) {
      into[picked++] = slot;
      shard.waiting_bytes -= slot.span->slot_bytes;
    } else {
      shard.waiting[(shard.waiting_first + kept++) % kMaxWaiting] = slot;
    }
  }
  shard.waiting_count = kept;
  return picked;
}

}  // namespace

void end_quarantine(Slots& of) {
  constexpr unsigned kBatch = 32;
  for (Shard& shard : shards) {
    SlotRef slots[kBatch];
    while (const unsigned n = pick_waiting(shard, of, slots, kBatch)) return_slots(of, slots, n);
  }
}

namespace {

// kswapd runs only beside other threads, which reclaim counts by their heaps.
void note_thread() {
  if (threads.several.load(std::memory_order_relaxed)) return;
  std::uintptr_t first = 0;
  const std::uintptr_t own = os::thread_identity();
  if (threads.first.compare_exchange_strong(first, own, std::memory_order_relaxed) || first == own) return;
  threads.several.store(true, std::memory_order_relaxed);
  page::note_threads(2);
}

}  // namespace

void tick_threads() {
  note_thread();
  heap::tick(heap::Caller::kAllocates);
}

void forget_threads_in_child() {
  threads.first.store(0, std::memory_order_relaxed);
  if (threads.several.exchange(false, std::memory_order_relaxed)) page::note_threads(0);
}

void lock_shards_for_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  for (Shard& shard : shards) shard.lock.lock_beside_same_rank();
}
void unlock_shards_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  for (Shard& shard : shards) shard.lock.unlock();
}
void reset_shards_in_child() ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  heap::busy_apart = false;
  for (Shard& shard : shards) {
    shard.random = 0;  // from the child's own key
    shard.lock.reset();
  }
}

}  // namespace ashlar::check
