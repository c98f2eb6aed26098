// heap: filling and emptying bins, and how large their magazines become.
//
// A magazine starts small and doubles whenever its bin has to go to the depot or the slabs, up to the class's full
// magazine. What all bins of a heap may hold is bounded; when a bin wants to grow beyond that, others shrink, first
// those that did not miss for a round (the clock algorithm).
#include "heap/bins.h"

#include <utility>

#include "base/hints.h"
#include "heap/counted.h"
#include "heap/watched.h"

namespace ashlar::heap {

namespace {

constexpr std::size_t kFirstMagazine = 1024;   // bytes of a bin's first magazine, at least one object
constexpr std::size_t kAllHeaps = 2_MiB;       // the bytes that budget() returns:
constexpr std::size_t kHeapPart = 12;          //   clamp(max(kAllHeaps / threads,
constexpr std::size_t kMaxHeapPart = 192_KiB;  //             min(live / kHeapPart / threads, kMaxHeapPart)),
constexpr std::size_t kMinHeap = 24_KiB;       //         kMinHeap,
constexpr std::size_t kMaxHeap = 512_KiB;      //         kMaxHeap)

constexpr std::size_t kMinPromise = kFirstMagazine;  // of a bin: what lies below is not worth a look

// A bin that is to grow beyond the budget looks at this many others, at one in so many misses of its heap. A bin
// without room, whose objects come and go one by one, looks more often.
constexpr unsigned kVictimLooks = 12;
constexpr unsigned kMissesPerSteal = 8;
constexpr unsigned kMissesPerFirst = 4;

// Two magazines to a bin.
std::size_t promise(SizeClass c, std::size_t limit) { return 2 * limit * slab::size_of(c); }

std::uint32_t budget() {
  const std::size_t threads = live_heaps() + 1;
  const std::size_t of_heap = page::live_hint().bytes() / kHeapPart / threads;
  const std::size_t part = of_heap < kMaxHeapPart ? of_heap : kMaxHeapPart;
  std::size_t share = kAllHeaps / threads;
  if (share < part) share = part;
  return static_cast<std::uint32_t>(share < kMinHeap ? kMinHeap : share > kMaxHeap ? kMaxHeap : share);
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] void note_budget(Heap& heap) { heap.budget = budget(); }

[[ASHLAR_ALWAYS_RUN]] bool may_promise(const Heap& heap, std::size_t bytes) {
  return heap.promised + bytes <= budget();
}

namespace {

slab::Magazine take_previous(Bin& bin) {
  return {std::exchange(bin.previous, nullptr), std::exchange(bin.previous_count, std::uint16_t{0})};
}

// `few` first: they were used last, and a list that was just filled is looked at.
slab::Magazine joined(slab::Magazine few, slab::Magazine more) {
  if (!few) return more;
  // A list is one longer than it counts if a signal handler interrupted free; one that does not end has a block that
  // was freed twice.
  Object* last = few.first;
  for (std::uint32_t n = 1; last->next != nullptr; last = last->next) {
    if (++n > few.count + 1) [[unlikely]]
      die_of_double_free(last, "free()");
  }
  last->next = more.first;
  few.count += more.count;
  return few;
}

void halve_limit(Heap& heap, SizeClass c) {
  Bin& bin = heap.bins[c.raw];
  ASHLAR_ASSERT(heap.promised >= promise(c, bin.limit), "a heap counts what its bins may hold");
  heap.promised -= static_cast<std::uint32_t>(promise(c, bin.limit));
  bin.limit = static_cast<std::uint16_t>(bin.limit / 2);
  heap.promised += static_cast<std::uint32_t>(promise(c, bin.limit));
}

// Halves a bin's limit and returns what it holds above.
void shrink_bin(Heap& heap, SizeClass c) {
  Bin& bin = heap.bins[c.raw];
  halve_limit(heap, c);
  slab::return_to_depot(c, take_previous(bin), "free()");
  if (loaded_count(heap, c) > bin.limit) {
    slab::return_to_depot(c, unload(heap, c), "free()");
  } else {
    load(heap, c, heap.loaded.first(c.raw), loaded_count(heap, c));
  }
}

// Shrinks other bins until `bytes` more are within `max`. False if that is not to be had.
bool make_budget(Heap& heap, SizeClass wanting, std::size_t bytes, std::size_t max) {
  if (bytes > max) return false;
  for (unsigned looks = kVictimLooks; heap.promised + bytes > max; --looks) {
    if (looks == 0) return false;
    const SizeClass victim(heap.next_victim);
    heap.next_victim = static_cast<std::uint8_t>(victim.raw + 1u < slab::kClasses ? victim.raw + 1u : 1u);
    Bin& bin = heap.bins[victim.raw];
    if (victim == wanting || promise(victim, bin.limit) <= kMinPromise) continue;
    if (!std::exchange(bin.recent, false)) shrink_bin(heap, victim);
  }
  return true;
}

[[ASHLAR_ALWAYS_RUN]] void grow(Heap& heap, SizeClass c) {
  Bin& bin = heap.bins[c.raw];
  bin.recent = true;
  const std::size_t full = slab::info_of(c).magazine;
  if (bin.limit >= full) return;
  const std::size_t initial = kFirstMagazine / slab::size_of(c);
  std::size_t limit = bin.limit != 0 ? bin.limit * std::size_t{2} : initial != 0 ? initial : 1;
  if (limit > full) limit = full;
  const std::size_t more = promise(c, limit) - promise(c, bin.limit);
  const std::size_t sum = heap.promised + more;
  if (sum > kMinHeap && sum > heap.budget) {
    // at the others' expense only now and then: in a heap that wants more than it may have they would only take turns
    const unsigned turn = bin.limit != 0 ? kMissesPerSteal : kMissesPerFirst;
    if (heap.budget != 0 && heap.misses % turn != 0) return;
    note_budget(heap);
    if (!make_budget(heap, c, more, heap.budget)) return;
  }
  heap.promised += static_cast<std::uint32_t>(more);
  bin.limit = static_cast<std::uint16_t>(limit);
}

}  // namespace

std::uint32_t shorten_loaded(std::size_t size, std::uint32_t max) {
  Heap& heap = *current;
  if (heap.kind != Kind::kLive || size > slab::kMaxSmall) return 0;
  const SizeClass c =
      heap.scoped ? slab::class_for(size) : SizeClass(heap.class_of_granules[(size + kMinAlign - 1) / kMinAlign]);
  if (c.raw >= slab::kClasses) return shorten_drained(SizeClass(c.raw - slab::kClasses), max);
  Bin& bin = heap.bins[c.raw];
  const std::uint32_t count = loaded_count(heap, c);
  if (count <= max || bin.previous != nullptr) return count;
  if (max == 0) {
    const slab::Magazine all = unload(heap, c);
    bin.previous = all.first;
    bin.previous_count = static_cast<std::uint16_t>(all.count);
    return 0;
  }
  Object* last = heap.loaded.first(c.raw);
  for (std::uint32_t i = 1; i < max; ++i) last = last->next;
  bin.previous = std::exchange(last->next, nullptr);
  bin.previous_count = static_cast<std::uint16_t>(count - max);
  load(heap, c, heap.loaded.first(c.raw), max);
  return max;
}

[[ASHLAR_ALWAYS_RUN]] bool refill(Heap& heap, SizeClass c) {
  if (c.raw >= slab::kClasses) [[unlikely]]
    return refill_drained(heap, SizeClass(c.raw - slab::kClasses));
  Bin& bin = heap.bins[c.raw];
  if (bin.previous != nullptr) {
    tally::count(tally::Event::kFromThread);
    const slab::Magazine magazine = take_previous(bin);
    load(heap, c, magazine.first, magazine.count);
    return true;
  }
  grow(heap, c);
  const slab::Magazine magazine = slab::take(c, bin.limit > 1 ? bin.limit : 1, heap.node);
  load(heap, c, magazine.first, magazine.count);
  return magazine.first != nullptr;
}

[[ASHLAR_ALWAYS_RUN]] void stow(Heap& heap, SizeClass c) {
  Bin& bin = heap.bins[c.raw];
  const slab::Magazine magazine = unload(heap, c);
  bin.previous = magazine.first;
  bin.previous_count = static_cast<std::uint16_t>(magazine.count);
  watch(heap, c, static_cast<std::uint8_t>(bin.watched - 1));
}

// Others join what the bin holds. It returns at most a full magazine, which is as far as depots and stocks count.
slab::Magazine take_for_drained(Heap& heap, SizeClass c) {
  Bin& bin = heap.bins[c.raw];
  slab::Magazine taken = unload(heap, c);
  if (is_worth_draining(c, taken.count)) return taken;
  // until two magazines are long enough
  if (bin.previous == nullptr || !is_worth_draining(c, taken.count + std::uint32_t{bin.previous_count})) grow(heap, c);
  slab::Magazine more =
      bin.previous != nullptr ? take_previous(bin) : slab::take(c, bin.limit > 1 ? bin.limit : 1, heap.node);
  if (taken.count + more.count <= slab::info_of(c).magazine) return joined(taken, more);
  if (taken.count > more.count) std::swap(taken, more);
  bin.previous = taken.first;
  bin.previous_count = static_cast<std::uint16_t>(taken.count);
  return more;
}

// A signal handler may have freed into the bin since it was taken from.
void put_into_bin(Heap& heap, SizeClass c, slab::Magazine magazine) {
  const slab::Magazine all = joined(unload(heap, c), magazine);
  load(heap, c, all.first, all.count);
}

[[ASHLAR_ALWAYS_RUN]] void make_room(Heap& heap, SizeClass c, const char* caller) {
  Bin& bin = heap.bins[c.raw];
  if (loaded_count(heap, c) == 0) {  // the bin has no size yet, or lost it to another
    grow(heap, c);
    load(heap, c, nullptr, 0);
    return;
  }
  slab::Magazine kept = unload(heap, c);
  if (bin.previous != nullptr) {
    const slab::Filled filled = slab::return_to_depot(c, take_previous(bin), caller, &kept);
    if (filled == slab::Filled::kSparse) halve_limit(heap, c);
    else if (filled == slab::Filled::kWell) grow(heap, c);
  } else {
    tally::count(tally::Event::kToThread);
  }
  load(heap, c, nullptr, 0);  // with room by the limit as it is now
  bin.previous = kept.first;
  bin.previous_count = static_cast<std::uint16_t>(kept.count);
}

void write_off(Heap& heap) {
  for (unsigned c = 1; c < slab::kClasses; ++c) {
    heap.loaded.first(c) = heap.loaded.first(drained(SizeClass(c))) = nullptr;
    heap.loaded.set_room(c, 0);
    heap.bins[c] = {};
  }
  heap.named = nullptr;
  forget_named_bins();
  heap.promised = 0;
}

[[ASHLAR_ALWAYS_RUN]] void flush(Heap& heap, Flush where) {
  flush_named(heap, where);
  if (heap.counted != nullptr) [[unlikely]]
    flush_drained(heap, where);
  for (unsigned i = 1; i < slab::kClasses; ++i) {
    const SizeClass c(i);
    for (const slab::Magazine magazine : {take_previous(heap.bins[i]), unload(heap, c)}) {
      if (!magazine) continue;
      if (where == Flush::kToDepot) slab::return_to_depot(c, magazine, "free()");
      else slab::return_to_slabs(c, magazine, "free()");
    }
    if (where == Flush::kToSlabs && !heap.counts && heap.bins[i].watched < kWatchedAgain) watch(heap, c, kWatchedAgain);
  }
}

}  // namespace ashlar::heap
