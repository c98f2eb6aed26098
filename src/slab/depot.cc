// slab: the depot of each cache, and what concerns all caches: shrinking, counts.
#include <atomic>
#include <cstring>
#include <utility>

#include "base/hints.h"
#include "slab/cache.h"
#include "slab/stock.h"

namespace ashlar::slab {

constinit Depots depots;

namespace {

constexpr std::uint32_t kStale = 256;      // exchanges after which a depot that took no part in them is stale
constexpr std::uint32_t kNewcomers = 8;    // one in this many magazines for a full depot replaces the oldest one
constexpr std::uint32_t kTrimEvery = 32;   // exchanges between two searches for stale depots
constexpr std::uint32_t kSparseDrain = 8;  // magazines that a call takes apart in a sparse cache

// Objects up to this size are many in a magazine, and each is a wait. Of larger ones, whose magazines are parts of a
// slab, the older goes, so that slabs are emptied in the order in which their objects are freed.
constexpr std::size_t kMaxHot = 1_KiB;

constexpr std::size_t kNoMatter = 3_MiB;  // heaps up to this size keep what they cache

// A depot full of remnants would be of no use: what is less than a sixteenth of a magazine goes to the slabs. Bins that
// share little memory with those of other threads have magazines of a few objects: there it is a sixty-fourth.
bool is_worth_keeping(const ClassInfo& info, Magazine magazine) {
  return magazine.count * (has_stocks() ? 64 : 16) >= info.magazine;
}

// Counts bytes that threads returned, less those that they took since the last shrink. In a program that frees most of
// what it has, a few cached objects pin most of the slabs: when the count exceeds a sixteenth of the heap, all caches
// are emptied. A program near its peak is likely to need again what it caches, and keeps it.
[[ASHLAR_ALWAYS_RUN]] void note_returned(std::size_t bytes) {
  const std::size_t net = depots.net_returned.load(std::memory_order_relaxed) + bytes;
  const std::size_t live = page::live_hint().bytes();
  const bool much = live > kNoMatter && net > live / 16 && page::far_below_peak();
  depots.net_returned.store(much ? 0 : net, std::memory_order_relaxed);
  if (much) page::request_shrink();
}

void note_taken(std::size_t bytes) {
  const std::size_t net = depots.net_returned.load(std::memory_order_relaxed);
  depots.net_returned.store(net > bytes ? net - bytes : 0, std::memory_order_relaxed);
}

std::size_t bytes_of(const ClassInfo& info, Magazine magazine) { return magazine.count * std::size_t{info.size}; }

// The hint: is there a magazine? Pairs with nothing; a stale answer means a look at the slabs, or one under the lock.
bool seems_empty(const Cache& cache) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  return __atomic_load_n(&cache.depot_count, __ATOMIC_RELAXED) == 0;
}

void set_count(Cache& cache, std::uint32_t n) ASHLAR_REQUIRES(cache.depot_lock) {
  __atomic_store_n(&cache.depot_count, n, __ATOMIC_RELAXED);
}

// The newest magazine, or the oldest, whose objects are the coldest.
enum class End { kNewest, kOldest };

// Takes the newest magazine, or the oldest, under the depot's lock; there is one.
[[ASHLAR_RUN_LATER]] Magazine take_out(Cache& cache, const ClassInfo& info, End end) ASHLAR_REQUIRES(cache.depot_lock) {
  ASHLAR_ASSERT(cache.depot_lock.held(), "the depot's lock is held");
  ASHLAR_ASSERT(cache.depot_count > 0 && cache.depot_count <= cache.depot_slots, "the depot has a magazine");
  tally::count(tally::Event::kFromDepot);
  set_count(cache, cache.depot_count - 1);
  if (cache.depot_count < cache.depot_min) cache.depot_min = cache.depot_count;
  const Magazine magazine = cache.depot[end == End::kNewest ? cache.depot_count : 0];
  if (end == End::kOldest) std::memmove(cache.depot, cache.depot + 1, cache.depot_count * sizeof(Magazine));
  ASHLAR_ASSERT(cache.depot_objects >= magazine.count, "a depot counts the objects of its magazines");
  subtract(cache.depot_objects, magazine.count);
  depots.bytes.fetch_sub(bytes_of(info, magazine), std::memory_order_relaxed);
  return magazine;
}

[[gnu::always_inline]] inline Magazine pop(Cache& cache, const ClassInfo& info, End end) {
  if (seems_empty(cache)) return {};
  const Guard guard(cache.depot_lock);
  if (end == End::kNewest) cache.depot_used = depots.exchanges.load(std::memory_order_relaxed);
  return cache.depot_count != 0 ? take_out(cache, info, end) : Magazine{};
}

// Returns whether `bytes` more are too much. Called under the depot's lock.
bool is_full(const Cache& cache, const ClassInfo& info, std::size_t bytes) ASHLAR_REQUIRES(cache.depot_lock) {
  const std::size_t sum = cache.depot_objects * info.size + bytes;
  if (cache.depot_count < kOneThread.slots && sum <= kOneThread.bytes) return false;
  return !page::threaded() || cache.depot_count >= kThreads.slots || sum > kThreads.bytes;
}

// Makes the table of magazines, or a larger one in its place: the small one is left behind, once a depot.
[[ASHLAR_ALWAYS_RUN]] bool make_slots(Cache& cache) ASHLAR_REQUIRES(cache.depot_lock) {
  const unsigned slots = cache.depot_slots == 0 ? kFirstSlots : kThreads.slots;
  auto* const depot = static_cast<Magazine*>(page::metadata_alloc(slots * sizeof(Magazine), alignof(Magazine)));
  if (depot == nullptr) return false;
  if (cache.depot_count != 0) std::memcpy(depot, cache.depot, cache.depot_count * sizeof(Magazine));
  cache.depot = depot;
  cache.depot_slots = slots;
  return true;
}

// Puts a magazine in, under the depot's lock. `evicted` gets the oldest one if there was no room for both. False if
// depots may hold no more.
[[gnu::always_inline]] inline bool put_in(Cache& cache, const ClassInfo& info, Magazine magazine, Magazine& evicted)
    ASHLAR_REQUIRES(cache.depot_lock) {
  const std::size_t bytes = bytes_of(info, magazine);
  if (is_full(cache, info, bytes)) {
    // the newcomer is the cheapest to take apart while its objects are still in the processor's caches; but the
    // oldest must not stay forever
    const bool oldest_goes = depots.exchanges.load(std::memory_order_relaxed) % kNewcomers == 0;
    if (cache.depot_count == 0 || !oldest_goes) return false;
    evicted = take_out(cache, info, End::kOldest);
  } else if (depots.bytes.load(std::memory_order_relaxed) + bytes > kAllDepotsBytes) {
    return false;
  }
  if (cache.depot_count == cache.depot_slots && !make_slots(cache)) return false;
  cache.depot_used = depots.exchanges.load(std::memory_order_relaxed);
  ASHLAR_ASSERT(cache.depot_count < cache.depot_slots && magazine, "a depot takes in magazines that hold something");
  tally::count(tally::Event::kToDepot);
  cache.depot[cache.depot_count] = magazine;
  set_count(cache, cache.depot_count + 1);
  add(cache.depot_objects, magazine.count);
  depots.bytes.fetch_add(bytes, std::memory_order_relaxed);
  return true;
}

bool push(Cache& cache, const ClassInfo& info, Magazine magazine, Magazine& evicted) {
  const Guard guard(cache.depot_lock);
  return put_in(cache, info, magazine, evicted);
}

// Whose objects they were is not known any more, but what they are commonly freed by is.
const char* usual_caller(const ClassInfo& info) { return info.number != 0 ? "ashlar_cache_free()" : "free()"; }

// Sparse are slabs that are three quarters empty, and a quarter of what is out of them waits in the depot.
[[ASHLAR_ALWAYS_RUN]] Filled how_filled(const Cache& cache, const ClassInfo& info) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  const std::uint64_t cached = hint(cache.depot_objects), out = hint(cache.out), capacity = hint(cache.capacity);
  if (capacity * info.size < kMinSparse || out > capacity / 4) return Filled::kWell;
  return out <= 4 * cached ? Filled::kSparse : Filled::kThin;
}

// Returns up to `max` magazines of a cache's part to the slabs, as far as the portion goes.
[[ASHLAR_RUN_LATER]] void drain(Cache& cache, Cache& part, const ClassInfo& info, std::uint32_t max, Portion& portion) {
  if (seems_empty(part)) return;  // so that a thread that looks for moves does not find its own again and again
  begin_move(cache);
  for (; max > 0 && !portion.used_up(); --max) {
    const Magazine magazine = pop(part, info, End::kOldest);
    if (!magazine) break;
    return_to_slabs(cache, info, magazine, usual_caller(info));
    portion.use(info, magazine);
  }
  end_move(cache);
}

[[ASHLAR_RUN_LATER]] void drain(Cache& cache, Cache& part, const ClassInfo& info, std::uint32_t max) {
  Portion portion = Portion::all();
  drain(cache, part, info, max, portion);
}

// A step of it: one exchange does not pay for all that others left.
[[gnu::cold, gnu::noinline]] void drain_stale(std::uint32_t now) {
  Portion portion = Portion::step();
  for_caches([&](Cache& cache, const ClassInfo& info) {
    for_parts(cache, [&](Cache& part) {
      if (seems_empty(part) || portion.used_up()) return;
      part.depot_lock.lock();
      const bool stale = now - part.depot_used > kStale;
      part.depot_lock.unlock();
      if (stale) drain(cache, part, info, kThreads.slots, portion);
    });
  });
  depots.stale_left.store(portion.used_up(), std::memory_order_relaxed);
}

// A program has come to other sizes: what it freed of the former ones would stay forever in a process without
// kswapd.
[[ASHLAR_ALWAYS_RUN]] void trim_depots() {
  const std::uint32_t now = depots.exchanges.fetch_add(1, std::memory_order_relaxed);
  if (now % kTrimEvery == 0 && may_have_stocks()) trim_stocks(now);
  const bool look = now % kTrimEvery == 0 || depots.stale_left.load(std::memory_order_relaxed);
  if (look && depots.bytes.load(std::memory_order_relaxed) > kFewDepotsBytes) drain_stale(now);
}

void forget_spares(Cache& cache, Page*& freed) ASHLAR_REQUIRES(cache.lock) {
  while (cache.spare != nullptr) forget_slab(cache, std::exchange(cache.spare, cache.spare->next), freed);
}

// Frees the slabs without a live object: the spare ones, and the one that is being carved.
[[ASHLAR_RUN_LATER]] void drop_empty_slabs(Cache& cache) {
  Page* freed = nullptr;
  {
    const Guard guard(cache.lock);
    if (cache.current != nullptr && cache.current->slab.in_use == 0) {
      forget_slab(cache, std::exchange(cache.current, nullptr), freed);
    }
    forget_spares(cache, freed);
  }
  free_slabs(freed);
}

// Frees the spare slabs if none was used or added since the last reap. True if some are left.
bool drop_unused_spare(Cache& cache) {
  Page* freed = nullptr;
  bool left = false;
  {
    const Guard guard(cache.lock);
    if (cache.spare == cache.spare_seen) forget_spares(cache, freed);
    cache.spare_seen = cache.spare;
    left = cache.spare != nullptr;
  }
  free_slabs(freed);
  return left;
}

// The cache's part on a node, made if there is none; null without memory for it.
[[ASHLAR_ALWAYS_RUN]] Cache* make_on_node(Cache& cache, NodeId node) {
  if (Cache* const part = on_node(cache, node)) return part;
  const Guard guard(cache.lock);
  if (cache.others.load(std::memory_order_relaxed) == nullptr) {  // written under the lock alone
    auto* const others = static_cast<Cache*>(page::metadata_alloc(page::node_count() * sizeof(Cache), alignof(Cache)));
    if (others == nullptr) return nullptr;
    // a cache without slabs is all zero
    for (unsigned i = 1; i < page::node_count(); ++i) others[i].node = NodeId(i);
    cache.others.store(others, std::memory_order_release);  // pairs with the acquire in on_node
  }
  return on_node(cache, node);
}

[[ASHLAR_ALWAYS_RUN]] Magazine take_on(Cache& cache, const ClassInfo& info, std::uint32_t want, NodeId node) {
  Cache* const part = make_on_node(cache, node);
  if (part == nullptr) return {};
  const Magazine magazine = pop(*part, info, End::kNewest);
  if (magazine) return magazine;
  const Guard guard(part->lock);
  return take_from_slabs(*part, info, want);
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] Magazine take(Cache& cache, const ClassInfo& info, std::uint32_t want, NodeId node) {
  Magazine magazine = take_on(cache, info, want, node);
  if (!magazine) [[unlikely]] {
    page::for_other_nodes(page::node_at(node), [&](const page::Node& other) {
      magazine = take_on(cache, info, want, other.id);
      return static_cast<bool>(magazine);
    });
  }
  note_taken(bytes_of(info, magazine));
  os::take_over(&cache);
  return magazine;
}

[[ASHLAR_SELDOM_RUN]] Magazine take_on_node(Cache& cache, const ClassInfo& info, std::uint32_t want, NodeId node) {
  Cache* const part = make_on_node(cache, node);
  if (part == nullptr) return {};
  Magazine magazine;
  {
    const Guard guard(part->lock);
    magazine = take_from_slabs(*part, info, want);
  }
  note_taken(bytes_of(info, magazine));
  os::take_over(&cache);
  return magazine;
}

[[ASHLAR_SELDOM_RUN]] Filled return_to_depot(Cache& cache, const ClassInfo& info, Magazine magazine, const char* caller,
                                             Magazine* hot) {
  if (!magazine) return Filled::kWell;
  os::hand_over(&cache);
  note_returned(bytes_of(info, magazine));
  // What a thread frees of another node is of more use there; the first object stands for all of a magazine.
  Cache& part = part_of(cache, page::slab_of(magazine.first));
  Magazine evicted;
  if (!is_worth_keeping(info, magazine)) {
    evicted = magazine;
  } else if (!push(part, info, magazine, evicted)) {
    evicted = hot != nullptr && info.size <= kMaxHot ? std::exchange(*hot, magazine) : magazine;
  }
  if (evicted) return_to_slabs(cache, info, evicted, caller);
  const Filled filled = how_filled(part, info);
  if (filled == Filled::kSparse) drain(cache, part, info, kSparseDrain);
  page::note_cached();
  trim_depots();
  return filled;
}

namespace {

// Empties a cache's depots as far as the portion goes, and when all is in the slabs, frees the empty ones.
[[ASHLAR_RUN_LATER]] void shrink(Cache& cache, const ClassInfo& info, Portion& portion) {
  for_parts(cache, [&](Cache& part) { drain(cache, part, info, kThreads.slots, portion); });
  if (portion.used_up()) return;
  for_parts(cache, [](Cache& part) { drop_empty_slabs(part); });  // a depot's objects may lie in another part's slabs
}

}  // namespace

[[ASHLAR_RUN_LATER]] void shrink(Cache& cache, const ClassInfo& info) {
  Portion portion = Portion::all();
  shrink(cache, info, portion);
}

namespace {

// How many magazines of a depot nobody needed since the last call.
std::uint32_t unused_magazines(Cache& part) {
  if (seems_empty(part)) return 0;
  const Guard guard(part.depot_lock);
  const std::uint32_t unused = std::exchange(part.depot_min, part.depot_count);
  part.depot_min -= unused < part.depot_min ? unused : part.depot_min;
  return unused;
}

[[gnu::cold]] void add_counts(Cache& part, CacheCounts& n) {
  {
    const Guard guard(part.lock);
    n.slabs += part.slabs;
    n.pages += part.pages;
    n.capacity += part.capacity;
    n.out += part.out;
  }
  const Guard guard(part.depot_lock);
  n.depot_objects += part.depot_objects;
  n.depot_magazines += part.depot_count;
}

}  // namespace

[[gnu::cold]] bool reap(Cache& cache, const ClassInfo& info) {
  bool more = false;
  for_parts(cache, [&](Cache& part) {
    more |= drop_unused_spare(part);
    drain(cache, part, info, unused_magazines(part));
    more |= !seems_empty(part);
  });
  return more;
}

CacheCounts counts(Cache& cache, const ClassInfo& info) {
  CacheCounts n;
  n.object_size = info.size;
  for_parts(cache, [&](Cache& part) { add_counts(part, n); });
  return n;
}

namespace {

void add_stocks(CacheCounts& n, SizeClass c, NodeId node) {
  const StockCounts in_stocks = count_stocks(c, node);
  n.depot_objects += in_stocks.objects;
  n.depot_magazines += in_stocks.magazines;
}

}  // namespace

CacheCounts counts(SizeClass c, NodeId node) {
  CacheCounts n;
  n.object_size = size_of(c);
  if (Cache* const part = on_node(cache_of(c), node)) add_counts(*part, n);
  add_stocks(n, c, node);
  return n;
}

[[ASHLAR_SELDOM_RUN]] bool depot_seems_full(SizeClass c, NodeId node) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  const Cache* const part = on_node(cache_of(c), node);
  if (part == nullptr) return false;
  const ClassInfo& info = info_of(c);
  const std::size_t full = info.magazine * std::size_t{info.size};
  return __atomic_load_n(&part->depot_count, __ATOMIC_RELAXED) >= kThreads.slots ||
         hint(part->depot_objects) * info.size + full > kThreads.bytes ||
         depots.bytes.load(std::memory_order_relaxed) + full > kAllDepotsBytes;
}

[[ASHLAR_SELDOM_RUN]] unsigned take_from_depot(SizeClass c, NodeId node, Magazine* magazines, unsigned max) {
  Cache* const part = on_node(cache_of(c), node);
  const ClassInfo& info = info_of(c);
  unsigned n = 0;
  std::size_t bytes = 0;
  if (part != nullptr && !seems_empty(*part)) {
    const Guard guard(part->depot_lock);
    part->depot_used = depots.exchanges.load(std::memory_order_relaxed);
    while (n < max && part->depot_count != 0 && bytes < kRefillBytes) {
      magazines[n] = take_out(*part, info, End::kNewest);
      bytes += bytes_of(info, magazines[n++]);
    }
  }
  if (n != 0) note_taken(bytes);
  return n;
}

[[ASHLAR_SELDOM_RUN]] void return_all_to_depot(SizeClass c, NodeId node, Magazine* magazines, unsigned n) {
  if (n == 0) return;
  Cache& cache = cache_of(c);
  const ClassInfo& info = info_of(c);
  Cache* const of_node = on_node(cache, node);
  Cache& part = of_node != nullptr ? *of_node : cache;
  unsigned leaving = 0;  // at the front of `magazines`, in place of those that the depot has
  std::size_t bytes = 0;
  {
    const Guard guard(part.depot_lock);
    for (unsigned i = 0; i < n; ++i) {
      bytes += bytes_of(info, magazines[i]);
      Magazine evicted;
      if (!put_in(part, info, magazines[i], evicted)) evicted = magazines[i];
      if (evicted) magazines[leaving++] = evicted;
    }
  }
  note_returned(bytes);
  // by the whole cache: a magazine's objects may lie on several nodes
  for (unsigned i = 0; i < leaving; ++i) return_to_slabs(cache, info, magazines[i], usual_caller(info));
  page::note_cached();
  trim_depots();
}

namespace {

[[ASHLAR_SELDOM_RUN, gnu::noinline]] Magazine take_by_stock(SizeClass c, std::uint32_t want, NodeId node) {
  Cache& cache = cache_of(c);
  const Magazine magazine = take_from_stock(c, node);
  if (!magazine) return take(cache, info_of(c), want, node);
  os::take_over(&cache);
  return magazine;
}

[[ASHLAR_SELDOM_RUN, gnu::noinline]] Filled return_by_stock(SizeClass c, Magazine magazine, const char* caller,
                                                            Magazine* hot) {
  Cache& cache = cache_of(c);
  const ClassInfo& info = info_of(c);
  const Cache& part = page::node_count() == 1 ? cache : part_of(cache, page::slab_of(magazine.first));
  if (how_filled(part, info) != Filled::kWell) {
    drain_stocks(c);
  } else if (is_worth_keeping(info, magazine)) {
    os::hand_over(&cache);
    if (put_in_stock(c, magazine, part.node)) {
      page::note_cached();
      return Filled::kWell;
    }
  }
  return return_to_depot(cache, info, magazine, caller, hot);
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] Magazine take(SizeClass c, std::uint32_t want, NodeId node) {
  return may_have_stocks() ? take_by_stock(c, want, node) : take(cache_of(c), info_of(c), want, node);
}

[[ASHLAR_ALWAYS_RUN]] Filled return_to_depot(SizeClass c, Magazine magazine, const char* caller, Magazine* hot) {
  if (!magazine) return Filled::kWell;
  return may_have_stocks() ? return_by_stock(c, magazine, caller, hot)
                           : return_to_depot(cache_of(c), info_of(c), magazine, caller, hot);
}

[[ASHLAR_ALWAYS_RUN]] void return_to_slabs(SizeClass c, Magazine magazine, const char* caller) {
  return_to_slabs(cache_of(c), info_of(c), magazine, caller);
}
CacheCounts counts(SizeClass c) {
  CacheCounts n = counts(cache_of(c), info_of(c));
  for (unsigned i = 0; i < page::node_count(); ++i) add_stocks(n, c, NodeId(i));
  return n;
}

[[ASHLAR_RUN_LATER]] void shrink() {
  if (may_have_stocks()) drain_stocks();
  for_caches([](Cache& cache, const ClassInfo& info) { shrink(cache, info); });
}

[[ASHLAR_RUN_LATER]] void begin_shrink() { depots.shrink_at.store(1, std::memory_order_relaxed); }

// Two threads may empty the same caches: the place that one of them comes to counts, and what is empty costs little.
[[ASHLAR_RUN_LATER]] bool shrink_step() {
  unsigned before = depots.shrink_at.load(std::memory_order_relaxed);
  if (before == 0) return false;
  unsigned place = before;
  Portion portion = Portion::step();
  const auto empty = [&](Cache& cache, const ClassInfo& info) {
    if (place < kClasses && may_have_stocks()) drain_stocks(SizeClass(place), portion);
    shrink(cache, info, portion);
  };
  while (visit_cache(place, empty)) {
    if (portion.used_up()) {
      depots.shrink_at.compare_exchange_strong(before, place, std::memory_order_relaxed);
      return true;
    }
    ++place;
  }
  depots.shrink_at.compare_exchange_strong(before, 0, std::memory_order_relaxed);
  return false;
}

bool reap() {
  if (depots.shrink_at.exchange(0, std::memory_order_relaxed) != 0) shrink();  // no call of the program waits for this
  bool more = may_have_stocks() && reap_stocks();
  for_caches([&](Cache& cache, const ClassInfo& info) { more |= reap(cache, info); });
  return more;
}

}  // namespace ashlar::slab
