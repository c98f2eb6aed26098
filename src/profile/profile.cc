// profile: decides which allocations are sampled.
#include "profile/profile.h"

#include <utility>

#include "heap/quiet.h"
#include "heap/realm.h"
#include "profile/chance.h"
#include "profile/entered.h"
#include "profile/slots.h"
#include "profile/tables.h"

namespace ashlar::profile {

// in .data, on a page that the dynamic linker writes anyway, because every miss reads it
[[gnu::section(".data")]] constinit Control control;

constinit TablesLock tables;

namespace {

using heap::Counted;

void* allocate_below(std::size_t size, std::size_t alignment, Form form, bool& zeroed) {
  if (check::active()) return check::allocate(size, alignment, form, zeroed);
  return alignment <= kMinAlign ? heap::allocate_maybe_zeroed(size, zeroed) : heap::allocate_aligned(size, alignment);
}

// What is kept of a sample that lies in no slot. False if there was no room.
bool record_block(void* p, std::size_t size, std::uint64_t counted, SizeClass c, const Stack& stack) {
  Sample sample;
  sample.address = reinterpret_cast<std::uintptr_t>(p);
  sample.requested = size;
  const std::size_t usable = c.raw != 0 ? slab::size_of(c) : heap::peek_usable_bytes(p);
  sample.usable = usable > size ? usable : size;
  sample.counted = counted;
  sample.size_class = c.raw;
  const Entered entered;
  return entered && find_record(sample.address) == 0 && add_record(sample, stack) != 0;
}

// Counts `bytes` more bytes. Returns whether one of them is picked.
bool is_due(std::uint64_t bytes) {
  const std::uint64_t mean = control.rate.load(std::memory_order_relaxed);
  if (mean == 1) return true;
  const Entered entered;
  if (!entered || mean == 0) return false;
  if (state->until == 0) state->until = distance(next_random(state->random), mean);
  const bool due = state->until <= static_cast<std::int64_t>(bytes);
  state->until = due ? 0 : state->until - static_cast<std::int64_t>(bytes);
  return due;
}

// Returns whether freeing p reaches this layer: p is in no slab's page, or every call is seen.
bool is_seen_when_freed(const void* p) { return page::class_of(p).raw == 0 || heap::sees_every_call(); }

// Allocates large blocks, and all blocks where every call is seen.
void* allocate_seen(std::size_t size, std::size_t alignment, Form form, bool& zeroed) {
  void* const p = allocate_below(size, alignment, form, zeroed);
  if (p != nullptr) note(p, size);
  return p;
}

// Allocates a sample in a slot. Returns null when there is no room.
void* allocate_sample(std::size_t size, SizeClass c) {
  Stack stack;
  capture(stack);
  const Entered entered;
  if (!entered) return nullptr;
  const Slot slot = take_slot(c);
  if (!slot) {
    ++state->dropped;
    return nullptr;
  }
  Sample sample;
  sample.address = reinterpret_cast<std::uintptr_t>(slot.p);
  sample.requested = size;
  sample.usable = sample.counted = slab::size_of(c);
  sample.size_class = c.raw;
  sample.slots = slot.slots;
  if (add_record(sample, stack) != 0) return slot.p;
  return_slot(slot);
  return nullptr;
}

std::int64_t draw(Counted& own, std::uint64_t mean) {
  if (own.random == 0) own.random = os::process_key().low ^ os::thread_identity();
  return distance(next_random(own.random), mean);
}

// Draws the distances anew when the rate changes, since a distance at 1 TiB would last. Distances are exponential, so
// it does not matter how much of an old one has passed.
void follow_rate(Counted& own, std::uint64_t mean) {
  if (own.mean == mean) return;
  own.mean = mean;
  for (std::int64_t& until : own.until) until = 0;
  own.until_object = 0;
}

// Subtracts from the distance what the fast path took since the last miss, and this block. Returns whether this one is
// picked.
bool is_picked(Counted& own, SizeClass c, std::uint64_t mean) {
  if (mean == 1) return true;
  const heap::Uninterrupted uninterrupted;
  follow_rate(own, mean);
  const auto bytes = static_cast<std::int64_t>(slab::size_of(c));
  std::int64_t& until = own.until[c.raw];
  if (until <= 0) until = draw(own, mean);
  const std::uint32_t left = heap::left_in_drained(c), loaded = std::exchange(own.loaded[c.raw], std::uint16_t{0});
  if (loaded > left) until -= static_cast<std::int64_t>(loaded - left) * bytes;
  const bool picked = until <= bytes;
  until = picked ? 0 : until - bytes;
  return picked;
}

// Lets the fast path take only the objects before the next picked byte.
void load(Counted& own, SizeClass c, std::uint64_t mean) {
  const std::int64_t until = own.until[c.raw];
  const std::int64_t max = mean == 1 || until <= 0 ? 0 : (until - 1) / static_cast<std::int64_t>(slab::size_of(c));
  const std::uint32_t bound = max < UINT16_MAX ? static_cast<std::uint32_t>(max) : UINT16_MAX;
  own.loaded[c.raw] = static_cast<std::uint16_t>(heap::shorten_drained(c, bound));
}

void* allocate_counted(Counted& own, std::size_t size, std::size_t alignment, SizeClass c, Form form, bool& zeroed) {
  const std::uint64_t mean = control.rate.load(std::memory_order_relaxed);
  if (mean == 0) return allocate_below(size, alignment, form, zeroed);
  if (is_picked(own, c, mean)) {
    zeroed = false;
    if (void* const p = allocate_sample(size, c)) return p;
  }
  void* const p = allocate_below(size, alignment, form, zeroed);
  load(own, c, mean);
  return p;
}

[[gnu::noinline]] void see_objects(bool on) {
  const heap::Quiet quiet;
  slab::see_objects(on);
}

void before_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { tables.lock.lock_beside_same_rank(); }
void after_fork_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { tables.lock.unlock(); }
void after_fork_in_child() {
  tables.owner.store(0, std::memory_order_relaxed);
  tables.lock.reset();
  forget_writer();
}

}  // namespace

bool start(std::uint64_t bytes) {
  heap::register_fork_handlers();
  unwind::prepare_stacks();
  {
    const Entered entered;
    if (!entered || !make_state()) return false;
    if (!is_on()) state->metadata = 0;
    state->rate = bytes;
    state->until = 0;
    if (state->started_ms == 0) state->started_ms = os::now_ms();
  }
  heap::set_fork_hooks({before_fork, after_fork_in_parent, after_fork_in_child}, heap::ForkLevel::kProfile);
  control.started.store(true, std::memory_order_release);
  control.rate.store(bytes, std::memory_order_relaxed);
  heap::count_allocations(true);
  heap::count_in_realms(true);
  see_objects(true);
  return true;
}

void stop() {
  if (!active()) return;
  control.rate.store(0, std::memory_order_relaxed);
  heap::count_allocations(false);
  heap::count_in_realms(false);
  see_objects(false);
}

bool may_dump() { return !interrupted(); }

bool find_slots(const void* p, SlotsAround& around) {
  const Entered entered;
  if (!entered) return false;
  const Slots* const slots = slots_around(p);
  if (slots != nullptr) around = {slots->start, kSlotsRunBytes, slots->count - 1U, slots->taken, slots->size_class};
  return slots != nullptr;
}

SlotCounts slot_counts(SizeClass c) {
  const Entered entered;
  return entered ? count_slots(c) : SlotCounts{};
}

bool is_on() { return control.rate.load(std::memory_order_relaxed) != 0; }

namespace {

void* allocate_maybe_sampled(std::size_t size, std::size_t alignment, Form form, bool& zeroed) {
  if (!is_on() || heap::interrupted() || check::interrupted()) return allocate_below(size, alignment, form, zeroed);
  const SizeClass c = heap::class_of_request(size, alignment);
  Counted* const own = c.raw != 0 ? heap::counted() : nullptr;
  if (own != nullptr) return allocate_counted(*own, size, alignment, c, form, zeroed);
  return allocate_seen(size, alignment, form, zeroed);
}

}  // namespace

void* allocate(std::size_t size, std::size_t alignment, Form form, bool& zeroed) {
  void* const p = allocate_maybe_sampled(size, alignment, form, zeroed);
  if (writing.wanted.load(std::memory_order_relaxed) != 0) [[unlikely]]
    write_wanted_file();
  return p;
}

bool note(void* p, std::size_t size) {
  if (!is_on() || heap::interrupted() || !is_seen_when_freed(p)) return false;
  const std::uint64_t counted = size != 0 ? size : 1;
  if (!is_due(counted)) return false;
  Stack stack;
  capture(stack);
  const SizeClass c = page::class_of(p);
  if (c.raw != 0) control.any_in_classes.store(true, std::memory_order_relaxed);
  return record_block(p, size, counted, c, stack);
}

bool is_object_due(std::uint64_t bytes) {
  const std::uint64_t mean = control.rate.load(std::memory_order_relaxed);
  Counted* const own = mean > 1 ? heap::counted() : nullptr;
  if (own == nullptr) return is_due(bytes);
  const heap::Uninterrupted uninterrupted;
  follow_rate(*own, mean);
  std::int64_t& until = own->until_object;
  if (until <= 0) until = draw(*own, mean);
  const bool picked = until <= static_cast<std::int64_t>(bytes);
  until = picked ? 0 : until - static_cast<std::int64_t>(bytes);
  return picked;
}

bool record_picked(void* p, std::size_t size, SizeClass c) {
  Stack stack;
  capture(stack);
  return record_block(p, size, slab::size_of(c), c, stack);
}

bool copy_bucket(std::uint32_t bucket, Bucket& into, Stack& stack) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  const Entered entered;
  if (entered) into = state->buckets[bucket];
  if (!entered || into.stack == 0) return false;
  copy_stack(into.stack, stack);
  return true;
}

bool copy_thread(std::uint32_t thread, Thread& into) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  const Entered entered;
  if (entered) into = state->threads[thread];
  return entered && into.number != 0;
}

}  // namespace ashlar::profile
