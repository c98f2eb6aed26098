// slab, private: the stock of each processor: whole magazines that threads of the processor exchange before they turn
// to the depot (the kernel's per-cpu sheaves, with the depot as their barn).
//
//   processor ──► Stock ── shelves[class]   a ring of 64 places, each a magazine in one word, or 0
//                          next[class]      where the next one is put; the newest lies before it
//
//   place     63            49 48    47                                   0
//             │ count, 15 bits │ age │ address of the magazine's first object │
//
// What is held grows with processors and not with threads: a stock holds a quarter of the live heap, shared by the
// stocks, within bounds. What a full shelf gives up, and what an empty one gets, crosses the depot's lock several
// magazines at a time. A process gets stocks when it has threads that exchanged magazines often enough.
//
// Locking: none. A magazine enters a place by compare-and-exchange against 0 and leaves it by exchange with 0, so it is
// in one hand at a time, whichever thread of whichever processor moves it: a processor's number that is old costs a
// cache line, and a thread that is not scheduled keeps nobody out (a lock here was held by such a thread in every third
// look of 16 threads on 2 processors). Fork finds each stock whole.
//
// What is not in stock.cc is defined in depot.cc.
#pragma once

#include "slab/cache.h"

namespace ashlar::slab {

inline constexpr unsigned kStocks = 256;  // processors beyond share stocks
inline constexpr unsigned kShelf = 64;    // magazines of a class

// A magazine in a word: see the picture.
using Packed = std::uint64_t;
using Place = std::atomic<Packed>;
inline constexpr unsigned kCountShift = 49;
inline constexpr Packed kOld = Packed{1} << kAddressBits;  // it was there at the last look
static_assert(kAddressBits < kCountShift);

inline Packed pack(Magazine magazine) {
  return Packed{magazine.count} << kCountShift | reinterpret_cast<std::uintptr_t>(magazine.first);
}
inline std::uint32_t count_of(Packed packed) { return static_cast<std::uint32_t>(packed >> kCountShift); }
inline Magazine unpack(Packed packed) { return {reinterpret_cast<Object*>(packed & (kOld - 1)), count_of(packed)}; }

struct alignas(64) Stock {
  // Relaxed: exact, as each change adds its part, but publishes nothing.
  std::atomic<std::size_t> bytes;
  // Relaxed, hints: bytes that it may hold, as of the last look; the number of exchanges with depots at the last look
  // for what is unused; the shelf that gives way next.
  std::atomic<std::size_t> max_bytes;
  std::atomic<std::uint32_t> looked_at;
  std::atomic<std::uint8_t> hand;
  NodeId node;  // where the objects lie; does not change
  // Relaxed, hints: where the next magazine goes, whether one was wanted since the hand passed, and whether one was put
  // in since the hand found none.
  std::atomic<std::uint8_t> next[kClasses];
  std::atomic<bool> recent[kClasses];
  std::atomic<bool> used[kClasses];
  alignas(64) Place shelves[kClasses][kShelf];
};

// By processor. Release, acquire: a thread that sees a stock sees it made.
extern std::atomic<Stock*> stocks[kStocks];

// Apart from the table, whose pages a process without stocks does not touch.
struct Stocked {
  // No stock has this number or a higher one. Release, acquire: a thread that sees it sees the stocks below.
  std::atomic<unsigned> top{0};
  std::atomic<unsigned> made{0};       // relaxed: a hint for their size
  std::atomic<unsigned> exchanged{0};  // magazines, before there are stocks; relaxed: an approximate number
};
extern Stocked stocked;

// Calls visit for each stock.
template <class Visit>
void for_stocks(Visit visit) {
  for (unsigned i = 0, n = stocked.top.load(std::memory_order_acquire); i < n; ++i) {  // pairs with raise_top's release
    // acquire: pairs with the release in make_stock
    if (Stock* const stock = stocks[i].load(std::memory_order_acquire)) visit(*stock);
  }
}

inline bool has_stocks() { return stocked.top.load(std::memory_order_relaxed) != 0; }

// False in a process that has no stock and is to get none.
inline bool may_have_stocks() { return has_stocks() || page::threaded(); }

// A magazine of the class whose objects lie on the node, from the stock of this processor, or from the depot by way of
// it; an empty one if neither has any.
Magazine take_from_stock(SizeClass c, NodeId node);

// Puts a magazine, whose objects lie on the node, into the stock of this processor. False if there is none, or neither
// it nor the depot has room. What gives way to it goes to the depots.
bool put_in_stock(SizeClass c, Magazine magazine, NodeId node);

// Returns magazines of stocks to the slabs: all of a class or as many as the portion has, all, or those that stayed
// where they were since the last call. reap_stocks returns whether something is left.
void drain_stocks(SizeClass c);
void drain_stocks(SizeClass c, Portion& portion);
void drain_stocks();
bool reap_stocks();

// The same as reap_stocks for stocks that were not looked through in the last exchanges with depots; `now` is their
// number.
void trim_stocks(std::uint32_t now);

struct StockCounts {
  std::uint64_t objects = 0;
  std::uint64_t magazines = 0;
};
// Of a class, on a node; exact while no thread exchanges magazines.
StockCounts count_stocks(SizeClass c, NodeId node);

// The first rule of a stock that does not hold (validate_slab.cc). Each magazine is taken out while it is looked at.
[[nodiscard, gnu::cold]] Broken validate_stocks();

// For tests that make the layer anew: as if there had never been a stock.
[[gnu::cold]] void forget_stocks();

// --- The depot's side ----------------------------------------------------------------------------------------------

inline constexpr std::size_t kRefillBytes = 64_KiB;  // about what a stock takes from a depot at once

// A hint, without a lock: whether a depot that gets a magazine has to take one apart.
bool depot_seems_full(SizeClass c, NodeId node);

// Takes up to `max` of the newest magazines out of a node's depot, or puts n in. What there is no room for goes
// to the slabs; the array is overwritten with it, as the caller's stack may be small.
unsigned take_from_depot(SizeClass c, NodeId node, Magazine* magazines, unsigned max);
void return_all_to_depot(SizeClass c, NodeId node, Magazine* magazines, unsigned n);

}  // namespace ashlar::slab
