// profile: slots for small samples.
#include "profile/slots.h"

#include <bit>

#include "profile/tables.h"

namespace ashlar::profile {

namespace {

bool make_table() ASHLAR_REQUIRES(tables.lock) {
  if (state->slots != nullptr) return true;
  auto* const made = static_cast<SlotTable*>(page::metadata_alloc(sizeof(SlotTable), alignof(SlotTable)));
  if (made != nullptr) made->slots.used = 1;
  state->slots = made;
  return made != nullptr;
}

// Null before the first slot is made.
const SlotTable* made_table() ASHLAR_REQUIRES(tables.lock) { return state != nullptr ? state->slots : nullptr; }

void link(SlotTable* table, std::uint32_t& head, std::uint32_t i) {
  Slots& one = table->slots[i];
  one.prev = 0;
  one.next = head;
  if (head != 0) table->slots[head].prev = i;
  head = i;
}

void unlink(const SlotTable* table, std::uint32_t& head, std::uint32_t i) {
  const Slots& one = table->slots[i];
  if (one.prev != 0) table->slots[one.prev].next = one.next;
  else head = one.next;
  if (one.next != 0) table->slots[one.next].prev = one.prev;
}

page::Run run_for(std::size_t bytes, std::size_t alignment) {
  return page::alloc_run(heap::own_node(), PageCount::ceil(bytes), alignment);
}

// Makes a run of free slots. Returns its index, or 0 when there is no memory.
std::uint32_t open_slots(SizeClass c) ASHLAR_REQUIRES(tables.lock) {
  SlotTable* const table = state->slots;
  std::uint32_t i = table->unused;
  if (i != 0) unlink(table, table->unused, i);
  else i = table->slots.add();
  if (i == 0) return 0;
  const page::Run run = run_for(kSlotsRunBytes, kSlotsRunBytes);
  if (!run) {
    link(table, table->unused, i);
    return 0;
  }
  Slots& one = table->slots[i];
  one.start = run.first.address();
  one.size_class = c;
  one.count = static_cast<std::uint16_t>(kSlotsRunBytes / slab::size_of(c));
  one.taken = 0;
  for (std::uint64_t& word : one.used) word = 0;
  one.used[0] = 1;
  page::descriptor_of(run.first)->owner = &one;
  link(table, table->partial[c.raw], i);
  state->slot_bytes += kSlotsRunBytes;
  return i;
}

// Makes a slot of a page or more. It only needs the alignment of a slab's objects.
Slot take_run(std::size_t bytes) ASHLAR_REQUIRES(tables.lock) {
  const page::Run run = run_for(bytes, bytes & -bytes);
  if (!run) return {};
  state->slot_bytes += run.count.bytes();
  return {run.first.pointer(), kOwnRun};
}

}  // namespace

Slot take_slot(SizeClass c) {
  const std::size_t bytes = slab::size_of(c);
  if (bytes >= kPageBytes) return take_run(bytes);
  if (!make_table()) return {};
  SlotTable* const table = state->slots;
  const std::uint32_t i = table->partial[c.raw] != 0 ? table->partial[c.raw] : open_slots(c);
  if (i == 0) return {};
  Slots& one = table->slots[i];
  unsigned word = 0;
  while (~one.used[word] == 0) ++word;
  const unsigned n = word * 64 + static_cast<unsigned>(std::countr_one(one.used[word]));
  one.used[word] |= std::uint64_t{1} << n % 64;
  if (++one.taken == one.count - 1) unlink(table, table->partial[c.raw], i);
  return {reinterpret_cast<void*>(one.start + n * bytes), i};
}

void return_slot(Slot slot) {
  const auto address = reinterpret_cast<std::uintptr_t>(slot.p);
  if (slot.slots == kOwnRun) {
    state->slot_bytes -= page::find_run(PageId::of(slot.p)).count.bytes();
    page::free_run(PageId::of(slot.p));
    return;
  }
  SlotTable* const table = state->slots;
  Slots& one = table->slots[slot.slots];
  std::uint32_t& partial = table->partial[one.size_class.raw];
  const std::size_t n = (address - one.start) / slab::size_of(one.size_class);
  one.used[n / 64] &= ~(std::uint64_t{1} << n % 64);
  if (one.taken-- == one.count - 1) link(table, partial, slot.slots);
  // one run is kept for each class
  if (one.taken != 0 || (one.next == 0 && one.prev == 0)) return;
  unlink(table, partial, slot.slots);
  page::free_run(PageId::of(reinterpret_cast<void*>(one.start)));
  state->slot_bytes -= kSlotsRunBytes;
  one.start = 0;
  link(table, table->unused, slot.slots);
}

SlotCounts count_slots(SizeClass c) {
  SlotCounts counts;
  const SlotTable* const table = made_table();
  for (std::uint32_t i = 1; table != nullptr && i < table->slots.used; ++i) {
    const Slots& one = table->slots[i];
    if (one.start == 0 || one.size_class.raw != c.raw) continue;
    ++counts.runs;
    counts.pages += PageCount::ceil(kSlotsRunBytes).raw;
    counts.live += one.taken;
    counts.capacity += one.count - 1U;
  }
  return counts;
}

const Slots* slots_around(const void* p) {
  const SlotTable* const table = made_table();
  for (std::uint32_t i = 1; table != nullptr && i < table->slots.used; ++i) {
    const Slots& one = table->slots[i];
    if (one.start != 0 && reinterpret_cast<std::uintptr_t>(p) - one.start < kSlotsRunBytes) return &one;
  }
  return nullptr;
}

bool is_free_slot(const void* p) {
  const Slots* const slots = slots_around(p);
  if (slots == nullptr) return false;
  const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(p) - slots->start;
  const std::size_t n = offset / slab::size_of(slots->size_class);
  return offset % slab::size_of(slots->size_class) == 0 && n != 0 && n < slots->count &&
         (slots->used[n / 64] >> n % 64 & 1) == 0;
}

}  // namespace ashlar::profile
