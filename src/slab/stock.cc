// slab: the stock of each processor, see the header.
#include "slab/stock.h"

#include <memory>

#include "base/hints.h"
#include "os/os.h"

namespace ashlar::slab {

[[ASHLAR_SPARSE]] constinit std::atomic<Stock*> stocks[kStocks];
constinit Stocked stocked;

namespace {

constexpr unsigned kBatch = 8;          // that a full shelf gives up
constexpr unsigned kLeaving = 16;       // of a shelf that gives way, at once: they lie on the stack
constexpr unsigned kRefill = 4;         // that an empty one asks for
constexpr unsigned kLooks = 8;          // for the newest of a shelf, down from the place behind it
constexpr unsigned kToBegin = 64;       // exchanges of a process with threads before it gets stocks
constexpr std::uint32_t kUnused = 256;  // exchanges with depots after which a stock is looked through

// What a stock holds at most: a quarter of the live heap shared by the stocks, within these bounds.
constexpr std::size_t kMinBytes = 256_KiB;
constexpr std::size_t kMaxBytes = 4_MiB;

static_assert(
    [] {
      for (const ClassInfo& info : kClassTable) {
        if (info.magazine >= 1u << (64 - kCountShift)) return false;
      }
      return true;
    }(),
    "the count of a full magazine must fit");

// Magazines of one class that leave a stock.
struct Leaving {
  SizeClass size_class;
  unsigned count = 0;
  Magazine magazines[kLeaving];
};

void raise_top(unsigned top) {
  unsigned before = stocked.top.load(std::memory_order_relaxed);
  // release: pairs with the acquire in for_stocks
  while (before < top &&
         !stocked.top.compare_exchange_weak(before, top, std::memory_order_release, std::memory_order_relaxed)) {
  }
}

std::size_t max_bytes() {
  const std::size_t n = stocked.made.load(std::memory_order_relaxed);
  const std::size_t share = page::live_hint().bytes() / 4 / (n != 0 ? n : 1);
  return share < kMinBytes ? kMinBytes : share > kMaxBytes ? kMaxBytes : share;
}

// The stock of this processor, made when the process has exchanged enough.
[[gnu::cold, gnu::noinline]] Stock* make_stock(unsigned processor, NodeId node) {
  const unsigned before = stocked.exchanged.load(std::memory_order_relaxed);
  if (before < kToBegin) {
    stocked.exchanged.store(before + 1, std::memory_order_relaxed);
    return nullptr;
  }
  void* const memory = page::metadata_alloc(sizeof(Stock), alignof(Stock));
  if (memory == nullptr) return nullptr;
  auto* const stock = static_cast<Stock*>(memory);  // zero is an empty one
  stock->node = node;
  stock->max_bytes.store(max_bytes(), std::memory_order_relaxed);
  Stock* expected = nullptr;
  // release: pairs with the acquire of the thread that loads the stock; a loser's memory is lost, once per processor
  if (!stocks[processor].compare_exchange_strong(expected, stock, std::memory_order_acq_rel,
                                                 std::memory_order_acquire)) {
    return expected;
  }
  raise_top(processor + 1);
  stocked.made.fetch_add(1, std::memory_order_relaxed);
  return stock;
}

// The stock of this processor for what lies on the node; null if there is none.
Stock* own_stock(NodeId node) {
  const unsigned processor = os::processor() % kStocks;
  Stock* stock = stocks[processor].load(std::memory_order_acquire);  // pairs with the release in make_stock
  if (stock == nullptr) [[unlikely]]
    stock = make_stock(processor, node);
  return stock != nullptr && stock->node == node ? stock : nullptr;
}

// Takes what is in a place, or 0.
Packed take_out(Stock& stock, SizeClass c, Place& place) {
  if (place.load(std::memory_order_relaxed) == 0) return 0;
  // acquire: pairs with the release in put(); the objects' links are seen
  const Packed packed = place.exchange(0, std::memory_order_acquire);
  stock.bytes.fetch_sub(count_of(packed) * size_of(c), std::memory_order_relaxed);
  return packed;
}

// A shelf has no gaps but for threads that exchange at the same time, and then small ones. So one that shows nothing in
// the first places is taken for empty; what it may have further on comes to light as others are put there.
Magazine take_newest(Stock& stock, SizeClass c) {
  const unsigned next = stock.next[c.raw].load(std::memory_order_relaxed);
  for (unsigned i = 1; i <= kLooks; ++i) {
    const unsigned at = (next - i) % kShelf;
    if (const Packed packed = take_out(stock, c, stock.shelves[c.raw][at])) {
      tally::count(tally::Event::kFromStock);
      stock.next[c.raw].store(static_cast<std::uint8_t>(at), std::memory_order_relaxed);
      return unpack(packed);
    }
  }
  return {};
}

// False if each place is taken.
bool put(Stock& stock, SizeClass c, Magazine magazine) {
  const std::size_t bytes = magazine.count * size_of(c);
  stock.bytes.fetch_add(bytes, std::memory_order_relaxed);  // first: a thread that takes it out at once subtracts them
  const unsigned next = stock.next[c.raw].load(std::memory_order_relaxed);
  for (unsigned i = 0; i < kShelf; ++i) {
    const unsigned at = (next + i) % kShelf;
    Place& place = stock.shelves[c.raw][at];
    Packed expected = place.load(std::memory_order_relaxed);
    // release: pairs with the acquire in take_out()
    if (expected != 0 || !place.compare_exchange_strong(expected, pack(magazine), std::memory_order_release,
                                                        std::memory_order_relaxed)) {
      continue;
    }
    tally::count(tally::Event::kToStock);
    stock.next[c.raw].store(static_cast<std::uint8_t>((at + 1) % kShelf), std::memory_order_relaxed);
    if (!stock.used[c.raw].load(std::memory_order_relaxed)) stock.used[c.raw].store(true, std::memory_order_relaxed);
    return true;
  }
  stock.bytes.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

// Takes up to n of the oldest magazines of a shelf out.
void take_oldest(Stock& stock, SizeClass c, unsigned n, Leaving& leaving) {
  leaving.size_class = c;
  const unsigned next = stock.next[c.raw].load(std::memory_order_relaxed);
  for (unsigned i = 0; i < kShelf && leaving.count < n; ++i) {
    const Packed packed = take_out(stock, c, stock.shelves[c.raw][(next + i) % kShelf]);
    if (packed != 0) leaving.magazines[leaving.count++] = unpack(packed);
  }
}

void to_depot(Leaving& leaving, NodeId node) {
  return_all_to_depot(leaving.size_class, node, leaving.magazines, leaving.count);
}

// Chooses what leaves a stock that holds too much: another shelf, that nobody took from since the hand passed it last.
void choose(Stock& stock, SizeClass filled, Leaving& leaving) {
  for (unsigned looks = 1; looks < kClasses && leaving.count == 0; ++looks) {
    const unsigned c = stock.hand.load(std::memory_order_relaxed) % (kClasses - 1) + 1;
    stock.hand.store(static_cast<std::uint8_t>(c), std::memory_order_relaxed);
    if (stock.recent[c].load(std::memory_order_relaxed)) {
      stock.recent[c].store(false, std::memory_order_relaxed);
    } else if (c != filled.raw && stock.used[c].load(std::memory_order_relaxed)) {
      stock.used[c].store(false, std::memory_order_relaxed);
      take_oldest(stock, SizeClass(c), kLeaving, leaving);
      if (leaving.count != 0) stock.used[c].store(true, std::memory_order_relaxed);
    }
  }
}

// Makes room for `bytes` of a class. Returns false if there is to be none: older magazines would go to the slabs, since
// the depot is full, and the newcomer is better taken apart, while its objects are in the processor's caches.
[[gnu::noinline]] bool make_room(Stock& stock, SizeClass c, std::size_t bytes) {
  const std::size_t max = max_bytes();
  stock.max_bytes.store(max, std::memory_order_relaxed);
  while (stock.bytes.load(std::memory_order_relaxed) + bytes > max) {
    Leaving leaving;
    choose(stock, c, leaving);
    if (leaving.count == 0) {
      if (depot_seems_full(c, stock.node)) return false;
      take_oldest(stock, c, kBatch, leaving);
      if (leaving.count == 0) return true;  // wanted shelves hold it all, and give way when the hand comes by again
    }
    to_depot(leaving, stock.node);
  }
  return true;
}

// Returns the magazines to the slabs that are older than the last look, or all of them. True if some are left.
enum class Which : std::uint8_t { kAll, kUnmoved };
bool drain(Stock& stock, SizeClass c, Which which, Portion& portion) {
  bool left = false;
  for (Place& place : stock.shelves[c.raw]) {
    if (portion.used_up()) return true;
    Packed packed = place.load(std::memory_order_relaxed);
    if (packed == 0) continue;
    if (which == Which::kUnmoved && (packed & kOld) == 0) {
      // relaxed: the mark publishes nothing; the exchange that stored the magazine did, and is continued by this one
      place.compare_exchange_strong(packed, packed | kOld, std::memory_order_relaxed);
      left = true;
      continue;
    }
    packed = take_out(stock, c, place);
    if (packed == 0) continue;
    return_to_slabs(c, unpack(packed), "free()");
    portion.use(info_of(c), unpack(packed));
  }
  return left;
}

bool drain(Stock& stock, Which which) {
  bool left = false;
  Portion portion = Portion::all();
  for (unsigned c = 1; c < kClasses; ++c) left |= drain(stock, SizeClass(c), which, portion);
  return left;
}

// Gets magazines for an empty shelf from the depot: one for the caller, the others for the shelf.
Magazine refill(Stock& stock, SizeClass c) {
  Magazine magazines[kRefill];
  unsigned n = take_from_depot(c, stock.node, magazines, kRefill);  // the newest first
  if (n == 0) return {};
  for (; n > 1; --n) {
    if (put(stock, c, magazines[n - 1])) continue;
    return_all_to_depot(c, stock.node, magazines + 1, n - 1);
    break;
  }
  return magazines[0];
}

}  // namespace

Magazine take_from_stock(SizeClass c, NodeId node) {
  Stock* const stock = own_stock(node);
  if (stock == nullptr) return {};
  if (!stock->recent[c.raw].load(std::memory_order_relaxed)) {
    stock->recent[c.raw].store(true, std::memory_order_relaxed);
  }
  const Magazine magazine = take_newest(*stock, c);
  return magazine ? magazine : refill(*stock, c);
}

bool put_in_stock(SizeClass c, Magazine magazine, NodeId node) {
  Stock* const stock = own_stock(node);
  if (stock == nullptr) return false;
  const std::size_t bytes = magazine.count * size_of(c);
  if (stock->bytes.load(std::memory_order_relaxed) + bytes > stock->max_bytes.load(std::memory_order_relaxed))
      [[unlikely]] {
    if (!make_room(*stock, c, bytes)) return false;
  }
  if (put(*stock, c, magazine)) return true;
  if (depot_seems_full(c, node)) return false;
  Leaving leaving;
  take_oldest(*stock, c, kBatch, leaving);
  leaving.size_class = c;
  if (!put(*stock, c, magazine)) leaving.magazines[leaving.count++] = magazine;  // others filled the room at once
  to_depot(leaving, node);
  return true;
}

void drain_stocks(SizeClass c) {
  Portion portion = Portion::all();
  drain_stocks(c, portion);
}

void drain_stocks(SizeClass c, Portion& portion) {
  for_stocks([&](Stock& stock) { drain(stock, c, Which::kAll, portion); });
}

void drain_stocks() {
  for_stocks([](Stock& stock) { drain(stock, Which::kAll); });
}

bool reap_stocks() {
  bool left = false;
  for_stocks([&](Stock& stock) { left |= drain(stock, Which::kUnmoved); });
  return left;
}

void trim_stocks(std::uint32_t now) {
  for_stocks([now](Stock& stock) {
    if (now - stock.looked_at.load(std::memory_order_relaxed) <= kUnused) return;
    stock.looked_at.store(now, std::memory_order_relaxed);
    drain(stock, Which::kUnmoved);
  });
}

StockCounts count_stocks(SizeClass c, NodeId node) {
  StockCounts n;
  for_stocks([&](const Stock& stock) {
    if (stock.node != node) return;
    for (const Place& place : stock.shelves[c.raw]) {
      const Packed packed = place.load(std::memory_order_relaxed);
      n.objects += count_of(packed);
      n.magazines += packed != 0 ? 1 : 0;
    }
  });
  return n;
}

void forget_stocks() {
  for (auto& stock : stocks) stock.store(nullptr, std::memory_order_relaxed);
  std::destroy_at(&stocked);
  std::construct_at(&stocked);
}

}  // namespace ashlar::slab
