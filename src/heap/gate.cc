// heap: the gate that fork closes.
#include "heap/gate.h"

#include "base/hints.h"
#include "heap/bins.h"
#include "heap/emergency.h"
#include "os/wait.h"

namespace ashlar::heap {

constinit Gate gate;
constinit thread_local std::uint32_t* entered_apart = nullptr;

namespace {

constexpr std::uint64_t kPatienceMs = 10;
constexpr std::uint64_t kLookAgainMs = 1000;
constexpr int kSpins = 1000;
// A thread that is within the allocator for so long has no processor, or waits for a page. Fork then relies on its
// locks alone: all is whole, but that thread may wait for the fork to end.
constexpr std::uint64_t kMaxWaitMs = 30;

// Threads that have no heap of their own are counted here, spread by their identity.
struct alignas(64) Count {
  std::uint32_t threads = 0;
};
constexpr unsigned kCounts = 16;
[[ASHLAR_SPARSE]] constinit Count counts_apart[kCounts];

std::uint32_t* own_count() {
  static_assert(kCounts == 16);
  return &counts_apart[(os::thread_identity() >> kPageShift) * 0x9e3779b97f4a7c15u >> 60].threads;
}

bool is_open(std::uint32_t at) { return (at & kClosed) == 0; }

// Acquire: pairs with the release of a thread that leaves, so that fork sees what it wrote.
template <class T>
bool anybody(const T& count) {
  return __atomic_load_n(&count, __ATOMIC_ACQUIRE) != 0;
}

// The heaps first: a thread that loses its heap is counted apart before its heap's mark goes (count_apart).
bool anybody_entered() {
  {
    const Guard guard(heaps.lock);
    for (const Heap* heap = heaps.live.front(); heap != heaps.lost; heap = heap->next) {
      if (anybody(heap->entered)) return true;
    }
  }
  for (const Count& count : counts_apart) {
    if (anybody(count.threads)) return true;
  }
  return false;
}

// True if the thread that just counted itself may go on.
bool may_pass(std::uint32_t at) {
  return is_open(at) || forking_thread.load(std::memory_order_relaxed) == os::thread_identity();
}

// False when the thread has to be served apart, else the gate is worth another look.
bool wait_for_gate(std::uint32_t at) {
  if (gate.impatient.load(std::memory_order_relaxed) == at) return false;
  os::wait_while(gate.word, at, kPatienceMs);
  if (gate.word.load(std::memory_order_relaxed) != at) return true;
  gate.impatient.store(at, std::memory_order_relaxed);
  return false;
}

// In Heap::entered, beside the address: the thread's mask of signals is to be restored.
constexpr std::uintptr_t kBlocked = 1;

void block_signals(Heap& heap) {
  const std::uint64_t before = os::block_signals();
  heap.signals = before;
  heap.entered |= kBlocked;
}

// Ends the mark of a thread that has entered.
void clear_mark(Heap& heap) {
  const bool blocked = (heap.entered & kBlocked) != 0;
  __atomic_store_n(&heap.entered, std::uintptr_t{0}, __ATOMIC_RELEASE);  // pairs with the load in anybody
  if (blocked) os::restore_signals(heap.signals);
}

void leave_alone() {
  const bool blocked = (gate.alone & kBlocked) != 0;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  gate.alone = 0;
  if (blocked) os::restore_signals(gate.signals);
}

// Whether the Entry at `outer` stands no longer, seen from `here` on the stack of the calling thread. True only where
// that is certain: a handler may run on a stack of its own, and a program may switch between several. Beside other
// threads such a thread is served apart from then on: locks that it left held cannot be told from theirs.
[[ASHLAR_ALWAYS_RUN]] __attribute__((no_sanitize("address"))) bool was_left(std::uintptr_t outer, std::uintptr_t here) {
  if (!os::single_threaded()) return false;
  outer &= ~kBlocked;
  const auto* const token = reinterpret_cast<const std::uintptr_t*>(outer);
  if (!os::readable(token, sizeof *token) || *token != Entry::token_of(outer)) return true;
  return here >= outer && os::on_same_stack(outer, here);
}

// The calling thread is out of the allocator again, by a jump.
void recover() {
  gate.word.fetch_or(kJumps, std::memory_order_relaxed);
  reset_locks();
  forget_deferring();
  busy_apart = false;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  gate.alone = 0;
}

void recover(Heap& heap) {
  recover();
  write_off(heap);
  heap.busy = false;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  __atomic_store_n(&heap.entered, std::uintptr_t{0}, __ATOMIC_RELEASE);  // pairs with the load in anybody
}

}  // namespace

bool has_entered() {
  Heap& heap = *current;
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  if (heap.entered != 0 && was_left(heap.entered, here)) recover(heap);
  return heap.entered != 0 || entered_apart != nullptr;
}

[[ASHLAR_ALWAYS_RUN]] bool Entry::recovers(std::uintptr_t outer) const {
  if (!was_left(outer, place())) return false;
  if (current->kind == Kind::kLive) recover(*current);
  else recover();
  return true;
}

// Nobody waits for the one thread of a process: the mark tells that a signal handler jumped out of it.
[[ASHLAR_ALWAYS_RUN]] void Entry::enter_alone() {
  const std::uintptr_t outer = gate.alone;
  if (outer != 0 && !(((outer & ~kBlocked) <= place() || busy_apart) && recovers(outer))) return;
  outermost_ = true;
  token_ = token_of(place());
  std::atomic_signal_fence(std::memory_order_seq_cst);  // a signal handler that sees the mark sees the token
  gate.alone = place();
  if ((gate.word.load(std::memory_order_relaxed) & kJumps) == 0) [[likely]]
    return;
  gate.signals = os::block_signals();
  gate.alone |= kBlocked;
}

[[ASHLAR_ALWAYS_RUN]] void Entry::leave_otherwise() {
  Heap& heap = *current;
  if (heap.entered == (place() | kBlocked)) clear_mark(heap);
  else if ((gate.alone & ~kBlocked) == place()) leave_alone();
  else leave_apart();
}

// The heap is marked, and the gate was closed after that, or signals are to be blocked.
void Entry::meet_closed_gate() {
  Heap& heap = *current;
  for (;;) {
    const std::uint32_t at = gate.word.load(std::memory_order_seq_cst);
    if (may_pass(at)) {
      if ((at & kJumps) != 0) block_signals(heap);
      return;
    }
    __atomic_store_n(&heap.entered, std::uintptr_t{0}, __ATOMIC_RELEASE);  // pairs with the load in anybody
    if (entered_apart != nullptr) {  // counted there already: fork waits for this thread
      outermost_ = false;
      return;
    }
    if (!wait_for_gate(at)) {
      outermost_ = in_ = false;
      return;
    }
    __atomic_store_n(&heap.entered, place(), __ATOMIC_SEQ_CST);
  }
}

[[ASHLAR_ALWAYS_RUN]] void Entry::enter_apart() {
  if (entered_apart != nullptr) return;
  if (os::single_threaded()) return enter_alone();
  for (;;) {
    std::uint32_t* const count = own_count();
    // First: a signal handler of this thread that forks may not wait for it.
    entered_apart = count;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    __atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST);  // before the load of the gate, as fork's store is before its loads
    const std::uint32_t at = gate.word.load(std::memory_order_seq_cst);
    outermost_ = true;
    if (may_pass(at)) return;
    leave_apart();
    outermost_ = false;
    if (!wait_for_gate(at)) {
      in_ = false;
      return;
    }
  }
}

void Entry::leave_apart() {
  if (entered_apart == nullptr) return;                    // a forked child's thread
  __atomic_fetch_sub(entered_apart, 1, __ATOMIC_RELEASE);  // pairs with the load in anybody
  std::atomic_signal_fence(std::memory_order_seq_cst);
  entered_apart = nullptr;
}

void count_apart(Heap& heap) {
  if (heap.entered == 0) return;
  if (entered_apart == nullptr) {
    std::uint32_t* const count = own_count();
    __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);  // visible with the store below
    entered_apart = count;
  }
  clear_mark(heap);
}

bool run_entered(bool (*work)()) {
  for (;;) {
    {
      const Entry entry;
      if (entry) return work();
    }
    const std::uint32_t at = gate.word.load(std::memory_order_relaxed);
    if (!is_open(at)) os::wait_while(gate.word, at, kLookAgainMs);
  }
}

void close_gate() {
  std::uint32_t at = gate.word.load(std::memory_order_relaxed);
  while (!is_open(at) || !gate.word.compare_exchange_weak(at, at + kClosed, std::memory_order_seq_cst)) {
    if (!is_open(at)) os::wait_while(gate.word, at, kLookAgainMs);
    at = gate.word.load(std::memory_order_relaxed);
  }
  // Without the fence, a mark that is still on its way to memory gets there within the pause.
  if (!os::fence_all_threads()) os::pause();
  const std::uint64_t start = os::now_ms();
  for (int spins = 0; anybody_entered(); ++spins) {
    if (spins < kSpins) continue;
    if (os::now_ms() - start > kMaxWaitMs) return;
    os::sleep_ms(1);
  }
}

void open_gate() {
  gate.word.fetch_add(kClosed, std::memory_order_seq_cst);
  os::wake_all(gate.word);
}

void reset_gate_in_child() {
  if (!is_open(gate.word.load(std::memory_order_relaxed))) gate.word.fetch_add(kClosed, std::memory_order_relaxed);
  for (Count& count : counts_apart) {
    if (anybody(count.threads) && entered_apart != &count.threads)
      __atomic_store_n(&count.threads, 0U, __ATOMIC_RELAXED);
  }
}

}  // namespace ashlar::heap
