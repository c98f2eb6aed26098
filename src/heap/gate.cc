// heap: the gate that fork closes.
#include "heap/gate.h"

#include "heap/bins.h"
#include "os/wait.h"

namespace ashlar::heap {

constinit thread_local std::uint32_t* entered_at = nullptr;

namespace {

constexpr std::uint64_t kPatienceMs = 10;
constexpr std::uint64_t kLookAgainMs = 1000;
constexpr int kSpins = 1000;
// A thread that is within the allocator for so long has no processor, or waits for a page. Fork then relies on its
// locks alone: all is whole, but that thread may wait for the fork to end.
constexpr std::uint64_t kMostWaitMs = 30;
constexpr std::uint32_t kClosed = 1;

// Odd while a fork is under way. Sequentially consistent with the counts: either the thread that enters sees the gate
// closed, or the one that closes it sees that thread counted.
constinit std::atomic<std::uint32_t> gate{0};
// The closed gate at which a thread lost patience: nobody waits there any more. Relaxed: a hint.
constinit std::atomic<std::uint32_t> impatient{0};

// Threads that have no heap of their own are counted here, spread by their identity.
struct alignas(64) Count {
  std::uint32_t threads = 0;
};
constexpr unsigned kCounts = 16;
[[ASHLAR_SPARSE]] constinit Count counts_apart[kCounts];

std::uint32_t* own_count() {
  static_assert(kCounts == 16);
  if (current->kind == Kind::kLive) return &current->entered;
  return &counts_apart[(os::thread_identity() >> kPageShift) * 0x9e3779b97f4a7c15u >> 60].threads;
}

bool is_open(std::uint32_t at) { return (at & kClosed) == 0; }
bool anybody(const std::uint32_t& count) { return __atomic_load_n(&count, __ATOMIC_SEQ_CST) != 0; }

bool anybody_entered() {
  for (const Count& count : counts_apart) {
    if (anybody(count.threads)) return true;
  }
  bool any = false;
  const Guard guard(heaps.lock);
  for (const Heap* heap = heaps.live.front(); heap != heaps.lost && !any; heap = heap->next)
    any = anybody(heap->entered);
  return any;
}

}  // namespace

bool Entry::enter() {
  for (;;) {
    std::uint32_t* const count = own_count();
    // First: a signal handler of this thread that forks may not wait for it.
    entered_at = count;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    __atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST);
    const std::uint32_t at = gate.load(std::memory_order_seq_cst);
    if (is_open(at) || forking_thread.load(std::memory_order_relaxed) == os::thread_identity()) return true;
    leave();
    if (impatient.load(std::memory_order_relaxed) == at) return false;
    os::wait_while(gate, at, kPatienceMs);
    if (gate.load(std::memory_order_relaxed) != at) continue;
    impatient.store(at, std::memory_order_relaxed);
    return false;
  }
}

void Entry::leave() {
  __atomic_fetch_sub(entered_at, 1, __ATOMIC_RELEASE);  // pairs with the load in anybody
  std::atomic_signal_fence(std::memory_order_seq_cst);
  entered_at = nullptr;
}

void count_elsewhere(Heap& heap) {
  if (entered_at != &heap.entered) return;
  std::uint32_t* const count = own_count();
  __atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST);
  entered_at = count;
  __atomic_fetch_sub(&heap.entered, 1, __ATOMIC_RELEASE);
}

void close_gate() {
  std::uint32_t at = gate.load(std::memory_order_relaxed);
  while (!is_open(at) || !gate.compare_exchange_weak(at, at + kClosed, std::memory_order_seq_cst)) {
    if (!is_open(at)) os::wait_while(gate, at, kLookAgainMs);
    at = gate.load(std::memory_order_relaxed);
  }
  const std::uint64_t start = os::now_ms();
  for (int spins = 0; anybody_entered(); ++spins) {
    if (spins < kSpins) continue;
    if (os::now_ms() - start > kMostWaitMs) return;
    os::sleep_ms(1);
  }
}

void open_gate() {
  gate.fetch_add(kClosed, std::memory_order_seq_cst);
  os::wake_all(gate);
}

void reset_gate_in_child() {
  if (!is_open(gate.load(std::memory_order_relaxed))) gate.fetch_add(kClosed, std::memory_order_relaxed);
  for (Count& count : counts_apart) {
    if (anybody(count.threads) && entered_at != &count.threads) __atomic_store_n(&count.threads, 0U, __ATOMIC_RELAXED);
  }
}

}  // namespace ashlar::heap
