// check: slots at hand, and the quarantine.
#include "check/shard.h"

#include "base/hints.h"

namespace ashlar::check {

namespace {

[[ASHLAR_SPARSE]] constinit Shard shards[kShards];

// Slots at hand of one size: some 8 KiB of them.
std::uint32_t most_ready(SizeClass slot_class) {
  const std::size_t n = 8192 / slab::size_of(slot_class);
  return static_cast<std::uint32_t>(n < 2 ? 2 : n > kMostReady ? kMostReady : n);
}

void put_ready(Shard& shard, SlotRef slot) {
  const SizeClass c = slot.span->slot_class;
  std::uint16_t& count = shard.ready_count[c.raw];
  if (count == most_ready(c)) {
    const std::uint32_t half = count / 2u;
    count = static_cast<std::uint16_t>(count - half);
    give_slots(c, &shard.ready[c.raw][count], half);
  }
  shard.ready[c.raw][count++] = slot;
}

}  // namespace

Shard& own_shard() {
  static_assert(kShards == 16);
  return shards[(os::thread_identity() >> kPageShift) * 0x9e3779b97f4a7c15u >> 60];
}

std::uint64_t next_random(Shard& shard) {
  std::uint64_t x = shard.random;
  if (x == 0) x = (settings.secret ^ reinterpret_cast<std::uintptr_t>(&shard)) | 1;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return shard.random = x;
}

SlotRef pop_slot(Shard& shard, SizeClass slot_class) {
  SlotRef* const ready = shard.ready[slot_class.raw];
  std::uint16_t& count = shard.ready_count[slot_class.raw];
  if (count == 0) {
    const std::uint32_t want = (most_ready(slot_class) + 1) / 2;
    count = static_cast<std::uint16_t>(take_slots(slot_class, ready, want, next_random(shard)));
    if (count == 0) return {};
  }
  const std::uint32_t last = --count;
  if (!settings.random) return ready[last];
  const auto pick = static_cast<std::uint32_t>((next_random(shard) >> 32) * (last + 1u) >> 32);
  const SlotRef slot = ready[pick];
  ready[pick] = ready[last];
  return slot;
}

void push_slot(Shard& shard, SlotRef slot) {
  while (shard.waiting_count == kMostWaiting ||
         (shard.waiting_count > 0 && shard.waiting_bytes + slot.span->slot_bytes > settings.quarantine_bytes)) {
    const SlotRef oldest = shard.waiting[shard.waiting_first];
    shard.waiting_first = (shard.waiting_first + 1) % kMostWaiting;
    --shard.waiting_count;
    shard.waiting_bytes -= oldest.span->slot_bytes;
    put_ready(shard, oldest);
  }
  shard.waiting[(shard.waiting_first + shard.waiting_count) % kMostWaiting] = slot;
  ++shard.waiting_count;
  shard.waiting_bytes += slot.span->slot_bytes;
}

void lock_shards_for_fork() {
  for (Shard& shard : shards) shard.lock.lock_beside_same_rank();
}
void unlock_shards_in_parent() {
  for (Shard& shard : shards) shard.lock.unlock();
}
void reset_shards_in_child() {
  for (Shard& shard : shards) {
    shard.owner.store(0, std::memory_order_relaxed);
    shard.lock.reset();
  }
}

bool holds_shard() { return own_shard().owner.load(std::memory_order_relaxed) == os::thread_identity(); }

}  // namespace ashlar::check
