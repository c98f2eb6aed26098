// check: spans, runs of pages cut into slots of one size. Free slots are bits of a map, never links.
#include <cstring>

#include "base/bytes.h"
#include "base/hints.h"
#include "check/fill.h"
#include "check/places.h"
#include "check/regions.h"
#include "check/report.h"

namespace ashlar::check {

[[ASHLAR_SPARSE]] constinit Slots class_slots[slab::kClasses];
constinit Spans spans;

namespace {

constexpr std::size_t kFirstSpan = 64_KiB;
constexpr std::size_t kMinSlots = 8;
constexpr unsigned kSpansPerDoubling = 128;
constexpr unsigned kMaxDoublings = 4;
// Of spans that have no place: a guard page splits a mapping in two, of which the kernel allows some 65 000
// (vm.max_map_count).
constexpr std::uint32_t kMaxSealed = 12000;

std::size_t words(std::uint32_t capacity) { return (capacity + 63u) / 64; }

template <class T>
T* make(std::size_t n) {
  return static_cast<T*>(page::metadata_alloc(n * sizeof(T), alignof(T)));
}

void set_owner(Span* span, Slots& of, std::uint32_t slot_bytes, SizeClass slot_class) {
  __atomic_store_n(&span->of, &of, __ATOMIC_RELAXED);  // see Span::slots
  const Checks& of_malloc = settings;
  span->checks = of.owner != nullptr ? of.checks : of_malloc;
  span->keeps = of.owner != nullptr && has_constructor(*of.owner);
  span->slot_class = slot_class;
  span->slot_bytes = slot_bytes;
}

// Returns a record for a span of a size: one that was used before, or a new one.
Span* new_record(Slots& of, std::uint32_t capacity, std::uint32_t slot_bytes, SizeClass slot_class)
    ASHLAR_REQUIRES(of.lock) {
  for (Span** link = &of.unused; *link != nullptr; link = &(*link)->next) {
    if ((*link)->capacity != capacity) continue;
    Span* const span = *link;
    *link = span->next;
    std::memset(span->cells, 0, capacity * sizeof *span->cells);
    set_owner(span, of, slot_bytes, slot_class);
    return span;
  }
  Span* const span = make<Span>(1);
  if (span == nullptr) return nullptr;
  span->cells = make<std::uint32_t>(capacity);
  span->free_bits = make<std::uint64_t>(words(capacity));
  set_owner(span, of, slot_bytes, slot_class);
  if (span->checks.user) span->tracks = make<Tracks>(capacity);
  if (span->cells == nullptr || span->free_bits == nullptr || (span->checks.user && span->tracks == nullptr))
    return nullptr;
  span->capacity = capacity;
  span->next_of_all = spans.every.load(std::memory_order_relaxed);
  // release: pairs with the acquire in all_spans; a failed try reads the new first one again
  while (!spans.every.compare_exchange_weak(span->next_of_all, span, std::memory_order_release,
                                            std::memory_order_relaxed)) {
  }
  return span;
}

void forget_record(Slots& of, Span* span) ASHLAR_REQUIRES(of.lock) {
  __atomic_store_n(&span->start, std::uintptr_t{0}, __ATOMIC_RELEASE);  // pairs with validate's acquire
  span->next = of.unused;
  of.unused = span;
}

// The guard at the span's end. Without it (too many mappings) the span is merely less guarded.
void seal_end(Span* span) {
  publish(span->sealed, spans.sealed.load(std::memory_order_relaxed) < kMaxSealed &&
                            os::seal(reinterpret_cast<void*>(span->start + span->bytes), os::page_bytes()));
  if (span->sealed) spans.sealed.fetch_add(1, std::memory_order_relaxed);
}

// Takes the pages of a span: at a place of their own, or as a run with a guard after it. Returns false without memory.
bool take_pages(Span* span, std::size_t bytes, std::uint64_t random) {
  if (map_place(*span, bytes, random)) return true;
  const page::Run run =
      page::alloc_run(page::local_node(), PageCount::ceil(bytes + os::page_bytes()), os::page_bytes());
  if (!run) return false;
  if (span->checks.zero && !run.zeroed) clear_block(run.first.pointer(), bytes);
  publish(span->bytes, bytes);
  __atomic_store_n(&span->start, run.first.address(), __ATOMIC_RELEASE);  // pairs with validate's acquire
  seal_end(span);
  return true;
}

// Frees the pages of a span. Precondition: they are in no map.
void return_pages(Span* span, std::uintptr_t start) {
  if (span->unit != 0) {
    vmalloc::free(reinterpret_cast<void*>(start));
    return release_place(*span);
  }
  if (span->sealed && os::commit(reinterpret_cast<void*>(start + span->bytes), os::page_bytes())) {
    spans.sealed.fetch_sub(1, std::memory_order_relaxed);
    publish(span->sealed, false);
  }
  if (!span->sealed) page::free_run(PageId::of(start));  // else its end is lost, and so is it
}

Span* new_span(Slots& of, SizeClass slot_class, std::uint64_t random) ASHLAR_REQUIRES(of.lock) {
  const std::size_t slot_bytes = slab::size_of(slot_class);
  const unsigned doublings = static_cast<unsigned>(std::bit_width(of.spans / kSpansPerDoubling));
  std::size_t bytes = kFirstSpan << (doublings < kMaxDoublings ? doublings : kMaxDoublings);
  const std::size_t min = round_up(kSpanHeader + kMinSlots * slot_bytes, os::page_bytes());
  if (bytes < min) bytes = min;
  const auto capacity = static_cast<std::uint32_t>((bytes - kSpanHeader) / slot_bytes);
  Span* const span = new_record(of, capacity, static_cast<std::uint32_t>(slot_bytes), slot_class);
  if (span == nullptr) return nullptr;
  span->free = capacity;
  span->lowest = 0;
  for (std::uint32_t i = 0; i < capacity; i += 64) {
    span->free_bits[i / 64] = capacity - i >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << (capacity - i)) - 1;
  }
  if (!take_pages(span, bytes, random)) {
    forget_record(of, span);
    return nullptr;
  }
  span->key = derive_for(span->start);
  if (!set_region(span->start, bytes, span)) {
    return_pages(span, span->start);
    forget_record(of, span);
    return nullptr;
  }
  ++of.spans;
  of.partial.push_front(span);
  return span;
}

// Frees a span's pages. Called without the lock, with the span on no list.
void free_span(Slots& of, Span* span) {
  for (std::uint32_t i = 0; i < span->capacity; ++i) check_at_rest({span, i});
  const Guard ending(spans.ending);
  const std::uintptr_t start = span->start;
  set_region(start, span->bytes, nullptr);
  return_pages(span, start);
  const Guard guard(of.lock);
  forget_record(of, span);
  --of.spans;
}

// Returns one of the `left` bits that are set below `width`, each with the same probability.
unsigned pick_bit(std::uint64_t bits, unsigned left, unsigned width, std::uint64_t& random) {
  constexpr unsigned kFew = 8;
  if (left < kFew) {
    random = next_in_row(random);
    for (auto n = static_cast<unsigned>((random >> 32) * left >> 32); n > 0; --n) bits &= bits - 1;
    return static_cast<unsigned>(std::countr_zero(bits));
  }
  for (;;) {
    random = next_in_row(random);
    const auto bit = static_cast<unsigned>((random >> 32) * width >> 32);
    if ((bits >> bit & 1) != 0) return bit;
  }
}

// Takes free slots of a span, from the lowest words of its map that have any.
std::uint32_t take_bits(Span* span, SlotRef* into, std::uint32_t want, std::uint64_t random) {
  std::uint32_t n = 0, w = span->lowest;
  for (; w < words(span->capacity); ++w) {
    const std::uint32_t slots = span->capacity - w * 64;
    const unsigned width = slots < 64 ? slots : 64;
    std::uint64_t bits = span->free_bits[w];
    for (auto left = static_cast<unsigned>(std::popcount(bits)); left > 0 && n < want; --left) {
      const unsigned bit =
          settings.random ? pick_bit(bits, left, width, random) : static_cast<unsigned>(std::countr_zero(bits));
      bits &= ~(std::uint64_t{1} << bit);
      into[n++] = {span, w * 64 + bit};
    }
    span->free_bits[w] = bits;
    if (n == want) break;
  }
  span->lowest = w;
  span->free -= n;
  return n;
}

}  // namespace

Span* span_around(std::uintptr_t address) {
  Region* const region = region_around(address);
  return region != nullptr && !is_guarded(*region) ? &as_span(*region) : nullptr;
}

Span* all_spans() { return spans.every.load(std::memory_order_acquire); }

void keep_spans() { spans.ending.lock(); }
void let_spans_end() { spans.ending.unlock(); }

namespace {

std::uint32_t take_from(Slots& of, SizeClass slot_class, SlotRef* into, std::uint32_t want, std::uint64_t random) {
  const Guard guard(of.lock);
  Span* span = of.partial.front();
  if (span == nullptr) span = new_span(of, slot_class, random);
  if (span == nullptr) return 0;
  const std::uint32_t n = take_bits(span, into, want, random);
  if (span->free == 0) of.partial.remove(span);
  return n;
}

}  // namespace

std::uint32_t take_slots(SizeClass slot_class, SlotRef* into, std::uint32_t want, std::uint64_t random) {
  return take_from(class_slots[slot_class.raw], slot_class, into, want, random);
}

SlotRef take_object_slot(Slots& of, SizeClass slot_class, std::uint64_t random) {
  SlotRef slot;
  take_from(of, slot_class, &slot, 1, random);
  return slot;
}

void free_empty_spans(Slots& of) {
  for (;;) {
    Span* empty = nullptr;
    {
      const Guard guard(of.lock);
      for (Span* span = of.partial.front(); span != nullptr && empty == nullptr; span = span->next) {
        if (span->free == span->capacity) empty = span;
      }
      if (empty == nullptr) return;
      of.partial.remove(empty);
    }
    free_span(of, empty);
  }
}

namespace {

// True when an empty span of constructed objects is worth its memory, since they need not be constructed again.
bool keeps_empty(const Slots& of, const Span* empty) ASHLAR_REQUIRES(of.lock) {
  if (!empty->keeps) return false;
  std::size_t bytes = 0;
  for (const Span* span = of.partial.front(); span != nullptr; span = span->next) {
    if (span->free == span->capacity) bytes += span->bytes;
  }
  return bytes <= slab::kSpareBytes;
}

}  // namespace

void return_slots(Slots& of, const SlotRef* slots, std::uint32_t n) {
  Span* empty = nullptr;
  {
    const Guard guard(of.lock);
    for (std::uint32_t i = 0; i < n; ++i) {
      Span* const span = slots[i].span;
      const std::uint32_t word = slots[i].index / 64;
      span->free_bits[word] |= std::uint64_t{1} << (slots[i].index % 64);
      if (word < span->lowest) span->lowest = word;
      if (span->free++ == 0) of.partial.push_back(span);
      // the first of the list stays, so that a slot that is freed and taken again costs no pages
      const bool unused = span->free == span->capacity && span != of.partial.front() && empty == nullptr;
      if (unused && !keeps_empty(of, span)) {
        of.partial.remove(span);
        empty = span;
      }
    }
  }
  if (empty != nullptr) free_span(of, empty);
}

void lock_spans_for_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  spans.ending.lock_beside_same_rank();
  lock_object_caches_for_fork();
  for_all_slots([](Slots& of) ASHLAR_NO_THREAD_SAFETY_ANALYSIS { of.lock.lock_beside_same_rank(); });
}
void unlock_spans_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  for_all_slots([](Slots& of) ASHLAR_NO_THREAD_SAFETY_ANALYSIS { of.lock.unlock(); });
  unlock_object_caches_in_parent();
  spans.ending.unlock();
}
void reset_spans_in_child() {
  for_all_slots([](Slots& of) { of.lock.reset(); });
  reset_object_caches_in_child();
  spans.ending.reset();
}

}  // namespace ashlar::check
