// check, private: the regions that blocks lie in, and how one is found from an address.
//
//   span      ┌──────┬─────────────┬─────────────┬───┬───────┐
//             │header│ slot        │ slot        │ … │ guard │      header and guard belong to nobody
//             └──────┴─────────────┴─────────────┴───┴───────┘
//   slot      ┌──────┬───────────────────┬───────┐
//             │ zone │ block             │ zone  │                  left zone, and the right one to the slot's end
//             └──────┴───────────────────┴───────┘
//   guarded   ┌───────┬──────┬──────────────────┬──┬───────┐
//             │ guard │ zone │ block            │  │ guard │         pages of its own; the block at their end
//             └───────┴──────┴──────────────────┴──┴───────┘
// Guards are addresses that nothing is mapped at (places.h), or pages without access.
#pragma once

#include "check/track.h"
#include "heap/zero.h"

namespace ashlar::check {

enum class State : std::uint8_t {
  kFresh,   // never handed out
  kMoving,  // just being handed out or taken back, by the thread that made it so
  kLive,
  kFreed,  // was handed out and freed: waits, or may be handed out again
};

// Of a cell's members, from the lowest bit on; a reader from outside is told them.
inline constexpr unsigned kSizeBits = 16, kOffsetBits = 9, kStateBits = 2;

// What is known of a slot. Read and written as one word: the acquire of a load pairs with the release of the store that
// made a slot live or freed, and with it goes what that thread wrote to the slot. Four bytes, since for small blocks
// they are a tenth of all memory.
struct Cell {
  std::uint32_t size : kSizeBits = 0;      // asked for
  std::uint32_t offset : kOffsetBits = 0;  // of the block in its slot, in units of kMinAlign
  State state : kStateBits = State::kFresh;
  Form form : 2 = Form::kMalloc;
  // Counts allocations: so that a late second free, or a check of all blocks, does not take the next block for the
  // one it saw.
  std::uint32_t turn : 3 = 0;
};
static_assert(sizeof(Cell) == sizeof(std::uint32_t));

// Fields that threads read of a record whose region may end meanwhile, and begin again for other pages. Stores
// release, after the store of start 0, and loads acquire: a thread that reads a value of the new region, and then the
// start, does not read the old start.
template <class T>
void publish(T& field, std::type_identity_t<T> value) {
  __atomic_store(&field, &value, __ATOMIC_RELEASE);
}
template <class T>
T read_published(const T& field) {
  T value;
  __atomic_load(&field, &value, __ATOMIC_ACQUIRE);
  return value;
}

struct Span;
using slab::Handle;

// All spans of one slot size, or of one named cache.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): the order of meaning; there are few
struct alignas(64) Slots {
  Lock<LockRank::kSpans> lock;                 // protects the lists and bits of the spans, too
  List<Span> partial ASHLAR_GUARDED_BY(lock);  // with free slots
  Span* unused ASHLAR_GUARDED_BY(lock) = nullptr;
  std::uint32_t spans ASHLAR_GUARDED_BY(lock) = 0;
  Handle* owner = nullptr;  // the named cache; null for malloc's blocks. Constant while there are spans; published.
  Checks checks;            // of the named cache; constant
  Slots* next = nullptr;    // of all those of caches
  // The cache ended, and a slot that a signal handler lost keeps a span: not for objects of another size.
  bool keeps_spans = false;
};

// Of a cache that is checked.
inline const Checks& checks_of(const Handle& cache) { return static_cast<const Slots*>(cache.checked)->checks; }

enum class RegionKind : std::uint8_t { kSpan, kGuarded };

struct Region {
  RegionKind kind = RegionKind::kSpan;
  std::uint8_t unit = 0;     // the power of two of its place (places.h); 0 if it has none. Published.
  std::uintptr_t start = 0;  // of what may be accessed; 0 while the region is not in use
  std::size_t bytes = 0;     // published
};

inline constexpr std::size_t kSpanHeader = kMinAlign;

// Protected by the lock of its slot size, except cells and tracks, which belong to the thread that moved the slot, and
// what is constant while the span is in use.
struct alignas(64) Span : Region {
  // what each call reads, on a cache line that others do not write
  std::uint32_t* cells = nullptr;
  Tracks* tracks = nullptr;
  std::uint32_t slot_bytes = 0;
  std::uint32_t capacity = 0;
  SizeClass slot_class;
  bool sealed = false;  // published
  bool keeps = false;   // what is in its blocks while they are free, as a cache's constructor wants it
  Checks checks;
  std::uint64_t key = 0;  // of its canaries

  alignas(64) Slots* of = nullptr;
  Span* next_of_all = nullptr;  // constant once it is on the list
  Span* next = nullptr;         // of those with free slots, or of unused ones
  Span* prev = nullptr;
  std::uint64_t* free_bits = nullptr;
  std::uint32_t free = 0;
  std::uint32_t lowest = 0;  // no word of free_bits before this one has a bit

  // For threads that go through all spans. A record that is used again gets the same slots, under a lock that they do
  // not hold; atomic, as the write may be under way. Relaxed: the list publishes the first one.
  [[nodiscard]] const Slots* slots() const { return __atomic_load_n(&of, __ATOMIC_RELAXED); }

  [[nodiscard]] std::uintptr_t slot(std::uint32_t i) const { return start + kSpanHeader + std::size_t{i} * slot_bytes; }
  [[nodiscard]] Cell load(std::uint32_t i) const {
    return std::bit_cast<Cell>(__atomic_load_n(&cells[i], __ATOMIC_ACQUIRE));
  }
  void store(std::uint32_t i, Cell cell) const {
    __atomic_store_n(&cells[i], std::bit_cast<std::uint32_t>(cell), __ATOMIC_RELEASE);
  }
  // From one value to another; false if another thread was first.
  [[nodiscard]] bool change(std::uint32_t i, Cell from, Cell to) const {
    auto expected = std::bit_cast<std::uint32_t>(from);
    return __atomic_compare_exchange_n(&cells[i], &expected, std::bit_cast<std::uint32_t>(to), false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
  }
};

// A slot, wherever it is just held.
struct SlotRef {
  Span* span = nullptr;
  std::uint32_t index = 0;
  explicit operator bool() const { return span != nullptr; }
  [[nodiscard]] std::uintptr_t start() const { return span->slot(index); }
  [[nodiscard]] std::uintptr_t end() const { return start() + span->slot_bytes; }
  [[nodiscard]] Cell load() const { return span->load(index); }
  [[nodiscard]] std::uintptr_t block(Cell cell) const { return start() + std::size_t{cell.offset} * kMinAlign; }
};

struct Guarded : Region {
  Guarded* next = nullptr;         // in the quarantine, or of unused ones; under kGuarded
  Guarded* next_of_all = nullptr;  // constant once it is on the list
  // Where its pages come from: a place (Region::unit), a mapping with guards, or, where too many are mapped, a run
  // of pages, whose zones and zeros are all that defends it.
  enum class Pages : std::uint8_t { kPlace, kMapping, kRun };
  Pages pages = Pages::kPlace;      // published
  unsigned char red_zone_byte = 0;  // of its zones
  void* mapping = nullptr;          // of kMapping
  Checks checks;                    // constant while it is in use
  const Handle* owner = nullptr;    // the named cache; published
  std::uintptr_t block = 0;
  std::size_t size = 0;
  std::atomic<State> state{State::kFresh};  // release, acquire: publishes all above and the tracks
  Form form = Form::kMalloc;
  bool sampled = false;
  Tracks tracks;

  [[nodiscard]] const Handle* cache() const { return read_published(owner); }
};

inline Span& as_span(Region& region) {
  ASHLAR_ASSERT(region.kind == RegionKind::kSpan, "the region is a span");
  return static_cast<Span&>(region);
}
inline Guarded& as_guarded(Region& region) {
  ASHLAR_ASSERT(region.kind == RegionKind::kGuarded, "the region is a guarded block");
  return static_cast<Guarded&>(region);
}
inline bool is_guarded(const Region& region) { return region.kind == RegionKind::kGuarded; }

// From an address to its region: three levels of tables, made where they are needed. Pointers are set once and stay; an
// region's entry is cleared when it goes. Read without the lock: acquire and release publish what they lead to.
inline constexpr unsigned kTopShift = 32, kMiddleShift = 21;
inline constexpr std::size_t kRegionTop = std::size_t{1} << (kAddressBits - kTopShift);
inline constexpr std::size_t kRegionMiddle = std::size_t{1} << (kTopShift - kMiddleShift);
inline constexpr std::size_t kRegionLeaf = std::size_t{1} << (kMiddleShift - kPageShift);
struct RegionLeaf {
  std::atomic<Region*> regions[kRegionLeaf];
};
struct RegionMiddle {
  std::atomic<RegionLeaf*> leaves[kRegionMiddle];
};
struct RegionMap {
  std::atomic<RegionMiddle*> top[kRegionTop] = {};
  Lock<LockRank::kRegionMap> lock;  // protects all tables against second writers
};
extern RegionMap region_map;

// The region that the page of an address belongs to, or null. Of a guarded block only its first page,
// and the one in which the block starts.
inline Region* region_at(std::uintptr_t address) {
  if (address >> kAddressBits != 0) return nullptr;
  const RegionMiddle* const middle = region_map.top[address >> kTopShift].load(std::memory_order_acquire);
  if (middle == nullptr) return nullptr;
  const RegionLeaf* const leaf =
      middle->leaves[(address >> kMiddleShift) % kRegionMiddle].load(std::memory_order_acquire);
  return leaf == nullptr ? nullptr
                         : leaf->regions[(address >> kPageShift) % kRegionLeaf].load(std::memory_order_acquire);
}

inline bool has_constructor(const Handle& cache) { return cache.named->ctor != nullptr; }

// Enters a region for the pages of [start, start + bytes), or takes them out. False when there is no memory for the
// map.
bool set_region(std::uintptr_t start, std::size_t bytes, Region* region);

// The spans of all slot sizes and caches.
struct Spans {
  Lock<LockRank::kSpanEnd> ending;  // held while a span ends, and while one of any state is looked through
  // All that ever were, linked by next_of_all; the unused have start 0. Release, acquire: each publishes what the new
  // first record holds. A reader from outside starts here, too.
  std::atomic<Span*> every{nullptr};
  std::atomic<std::uint32_t> sealed{0};  // with a guard page of their own. Relaxed: a bound that may be missed by a few
};
extern Spans spans;

// All spans and guarded blocks that ever were, by the first of each.
Span* all_spans();
Guarded* all_guarded();

// Between these no span ends: its slots may be looked at whatever their state.
void keep_spans() ASHLAR_ACQUIRE(spans.ending);
void let_spans_end() ASHLAR_RELEASE(spans.ending);

// Spans (spans.cc). Up to `want` free slots of a slot size, from the fullest start of the heap; 0 without memory.
std::uint32_t take_slots(SizeClass slot_class, SlotRef* into, std::uint32_t want, std::uint64_t random);
void return_slots(Slots& of, const SlotRef* slots, std::uint32_t n);

// The same for a cache's slots, one at a time. A cache that has no objects frees its spans.
SlotRef take_object_slot(Slots& of, SizeClass slot_class, std::uint64_t random);
void free_empty_spans(Slots& of);

// Guarded blocks (guarded.cc; those below empty_quarantine in guarded_pages.cc).
void* allocate_guarded(std::size_t size, std::size_t alignment, Form form, bool sampled, const Handle* owner = nullptr);
bool release_guarded(Guarded& block, std::uintptr_t p, Form form, std::size_t size, const char* caller);
// See check::resize.
void* resize_guarded(Guarded& block, std::uintptr_t p, std::size_t size);
// A cache ends: no guarded block is its own any more.
void forget_owner(const Handle& cache);
// Lets all freed blocks go whose addresses are kept, as there is no memory for `wanted` bytes otherwise: they count
// against limits. False when there were none, or too few for it.
[[gnu::cold]] bool empty_quarantine(std::size_t wanted);
// The guarded block, live or freed, whose place, pages or guards hold an address; or null. The same of spans.
Guarded* guarded_around(std::uintptr_t address);
Span* span_around(std::uintptr_t address);

// Blocks of no bytes (zero_blocks.cc, heap/zero.h).
// False if it was reported as none that is live.
bool check_zero(const void* p, const char* caller);
void release_zero(void* p, const char* caller);

// The slots of each slot size, of malloc's blocks; those of all caches that ever were checked (object.cc); and what
// visits both.
extern Slots class_slots[slab::kClasses];
struct ObjectSlots {
  Lock<LockRank::kSpans> lock;         // protects the owners
  std::atomic<Slots*> every{nullptr};  // linked by next. Release, acquire: publishes what the new first one holds
};
extern ObjectSlots object_slots;
Slots* all_object_slots();
template <class Visit>
void for_all_slots(Visit visit) {
  for (Slots& of : class_slots) visit(of);
  for (Slots* of = all_object_slots(); of != nullptr; of = of->next) visit(*of);
}

void lock_spans_for_fork();
void unlock_spans_in_parent();
void reset_spans_in_child();
void lock_object_caches_for_fork();
void unlock_object_caches_in_parent();
void reset_object_caches_in_child();
void lock_guarded_for_fork();
void unlock_guarded_in_parent();
void reset_guarded_in_child();
void lock_regions_for_fork();
void unlock_regions_in_parent();
void reset_regions_in_child();

}  // namespace ashlar::check
