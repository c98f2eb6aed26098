// The counters of libashlar-counting.so (os/tally.h), written as JSON to the file that the environment variable
// ASHLAR_COUNTS names when the process exits by exit(3).
//
// Locking: none. The counters of a lock are written by its holder only, except those of tries that found it held.
// Events are counted in the thread's own stripe. Threads share stripes only if more than kStripes threads ran.
#include <array>
#include <atomic>
#include <bit>

#include "os/os.h"

namespace ashlar::tally {

namespace {

// The table of locks, by address, with open addressing. Locks that do not fit are counted in `lost`.
constexpr unsigned kSlots = 4096;
constexpr unsigned kProbes = 64;
constexpr unsigned kStripes = 512;

// How long locks are held, by powers of two of nanoseconds. From kPreempted on, the holder was certainly preempted, so
// the sum leaves these times out.
constexpr unsigned kBuckets = 21;
constexpr std::uint64_t kPreempted = std::uint64_t{1} << (kBuckets - 1);

struct alignas(64) LockTally {
  std::atomic<std::uintptr_t> lock{0};  // 0: a free slot
  std::atomic<std::uint64_t> missed{0};
  LockRank rank{};
  const void* last = nullptr;  // the stripe of the thread that took it last
  std::uint64_t taken = 0, moved = 0, waited = 0, waited_ns = 0, held_ns = 0;
  std::uint64_t held[kBuckets] = {};  // the last one: kPreempted and more
};

struct alignas(64) Stripe {
  std::atomic<std::uint64_t> events[kEvents] = {};
};

// The locks that the calling thread holds, by rank. It never holds two of one rank, except in fork.
struct Holding {
  LockTally* lock = nullptr;
  std::uint64_t since = 0;
};

constinit LockTally locks[kSlots];
constinit Stripe stripes[kStripes];
constinit std::atomic<unsigned> threads{0};
constinit std::atomic<std::uint64_t> lost{0};
constinit thread_local Stripe* own = nullptr;
constinit thread_local Holding holding[kLockRanks];
constinit std::uint32_t process = 0;

constexpr const char* kRankNames[] = {"pools",   "shard", "span end", "spans", "guarded", "region map", "profile",
                                      "heaps",   "named", "cache",    "depot", "slob",    "realms",     "realm",
                                      "vmalloc", "pcp",   "growth",   "zone",  "arenas",  "metadata"};
static_assert(std::size(kRankNames) == kLockRanks, "each rank has a name");

constexpr const char* kEventNames[] = {
    "allocated",   "freed",         "reallocated",  "from thread",    "to thread",     "from stock",  "to stock",
    "from depot",  "to depot",      "from slabs",   "to slabs",       "run from list", "run to list", "run from zone",
    "run to zone", "run from kept", "run from map", "slab from zone", "slab to zone"};
static_assert(std::size(kEventNames) == kEvents, "each event has a name");

Stripe& own_stripe() {
  if (own == nullptr) own = &stripes[threads.fetch_add(1, std::memory_order_relaxed) % kStripes];
  return *own;
}

LockTally* slot_of(const void* lock, LockRank rank) {
  const auto address = reinterpret_cast<std::uintptr_t>(lock);
  const std::uintptr_t hash = (address >> 2) * 0x9e3779b97f4a7c15u >> 32;
  for (unsigned i = 0; i < kProbes; ++i) {
    LockTally& slot = locks[(hash + i) % kSlots];
    std::uintptr_t found = slot.lock.load(std::memory_order_relaxed);
    // Relaxed: the slot's counters are zero from the start, and written under the lock.
    if (found == 0 && slot.lock.compare_exchange_strong(found, address, std::memory_order_relaxed)) found = address;
    if (found != address) continue;
    slot.rank = rank;  // the same each time
    return &slot;
  }
  lost.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

class Writer {
 public:
  explicit Writer(int file) : file_(file) {}
  ~Writer() { flush(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  template <class T>
  Writer& operator<<(T value) {
    if (text_.view().size() > kRoom) flush();
    text_ << value;
    return *this;
  }

 private:
  static constexpr std::size_t kRoom = 3072;
  void flush() {
    if (os::write_file(file_, text_.view()) != 0) os::say("ASHLAR_COUNTS: the file cannot be written");
    text_.clear();
  }
  int file_;
  Text<kRoom + 1024> text_;
};

// The minimum difference of two readings of the clock. Each lock seems to be held that much longer.
std::uint64_t clock_cost() {
  std::uint64_t least = UINT64_MAX;
  for (unsigned i = 0; i < 200; ++i) {
    const std::uint64_t before = now(), took = now() - before;
    if (took < least) least = took;
  }
  return least;
}

void write_events(Writer& out) {
  for (unsigned event = 0; event < kEvents; ++event) {
    std::uint64_t sum = 0;
    for (const Stripe& stripe : stripes) sum += stripe.events[event].load(std::memory_order_relaxed);
    out << (event != 0 ? ", \"" : "\"") << kEventNames[event] << "\": " << sum;
  }
}

void write_lock(Writer& out, const LockTally& lock) {
  out << "{\"rank\": \"" << kRankNames[static_cast<unsigned>(lock.rank)] << "\", \"taken\": " << lock.taken
      << ", \"moved\": " << lock.moved << ", \"missed\": " << lock.missed.load(std::memory_order_relaxed)
      << ", \"waited\": " << lock.waited << ", \"waited_ns\": " << lock.waited_ns << ", \"held_ns\": " << lock.held_ns
      << ", \"held\": [";
  for (unsigned i = 0; i < kBuckets; ++i) out << (i != 0 ? ", " : "") << lock.held[i];
  out << "]}";
}

__attribute__((constructor(101))) void start() { process = os::process_number(); }

// A forked child writes nothing: the file is its parent's.
__attribute__((destructor(101))) void end() {
  const char* const path = os::environment("ASHLAR_COUNTS");
  if (path == nullptr || process != os::process_number()) return;
  const int file = os::create_file(path);
  if (file < 0) return os::say("ASHLAR_COUNTS: the file cannot be created");
  {
    Writer out(file);
    out << "{\"version\": " << std::uint64_t{1} << ", \"clock_ns\": " << clock_cost()
        << ", \"threads\": " << std::uint64_t{threads.load(std::memory_order_relaxed)}
        << ", \"lost\": " << lost.load(std::memory_order_relaxed) << ",\n\"events\": {";
    write_events(out);
    out << "},\n\"locks\": [";
    const char* between = "\n";
    for (const LockTally& lock : locks) {
      if (lock.taken == 0 && lock.missed.load(std::memory_order_relaxed) == 0) continue;
      out << between;
      write_lock(out, lock);
      between = ",\n";
    }
    out << "]}\n";
  }
  os::close_file(file);
}

}  // namespace

std::uint64_t now() {
  const std::uint64_t time = os::now_ns();
  return time != 0 ? time : 1;
}

void add(Event event, std::uint64_t times) {
  own_stripe().events[static_cast<unsigned>(event)].fetch_add(times, std::memory_order_relaxed);
}

void taken(const void* lock, LockRank rank, std::uint64_t waited_since) {
  LockTally* const slot = slot_of(lock, rank);
  if (slot == nullptr) return;
  std::uint64_t time = now();
  ++slot->taken;
  const void* const thread = &own_stripe();
  if (slot->last != nullptr && slot->last != thread) ++slot->moved;
  slot->last = thread;
  if (waited_since != 0) {
    ++slot->waited;
    slot->waited_ns += time - waited_since;
    // The time of this wait is not counted as holding the other locks.
    for (Holding& other : holding) {
      if (other.lock != nullptr) other.since += time - waited_since;
    }
  }
  holding[static_cast<unsigned>(rank)] = {slot, time};
}

void released(LockRank rank) {
  Holding& held = holding[static_cast<unsigned>(rank)];
  if (held.lock == nullptr) return;  // the lock was taken in fork
  const std::uint64_t ns = now() - held.since;
  const auto bucket = static_cast<unsigned>(std::bit_width(ns >> 1));
  ++held.lock->held[bucket < kBuckets ? bucket : kBuckets - 1];
  if (ns < kPreempted) held.lock->held_ns += ns;
  held.lock = nullptr;
}

void missed(const void* lock, LockRank rank) {
  if (LockTally* const slot = slot_of(lock, rank)) slot->missed.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace ashlar::tally
