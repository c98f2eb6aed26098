// heap, private to this layer and api: the gate that fork closes.
//
// A thread that forks waits until no other thread is within the allocator, and then holds all locks until the fork is
// over. Between, libc and other libraries' handlers of pthread_atfork(3) take locks of their own, of which nothing is
// known here (streams, the list of loaded objects, popen's children, the program's). Another thread may hold one of
// those and allocate: if it waited for the fork, the process would deadlock. So
//   1. a thread that enters at a closed gate waits for a few milliseconds, longer than nearly every fork takes;
//   2. then it is served apart: memory comes from emergency.h, and what it frees is freed later.
// A thread that has entered comes out again without waiting for the fork, as the fork waits for it (for 30 ms: then it
// may be one that has no processor). One that waits for a lock of the allocator without having entered waits for the
// fork to end: reports, and named caches, pages and areas at a gate that stays closed.
#pragma once

#include "heap/heap.h"

namespace ashlar::heap {

struct Gate {
  std::atomic<std::uint32_t> word{0};  // odd while a fork is under way; with kJumps
  // The word at which a thread stopped waiting: other threads do not wait there either. Relaxed: a hint.
  std::atomic<std::uint32_t> impatient{0};
  // What Heap::entered and Heap::signals are, of the one thread of a process while that has no heap.
  std::uintptr_t alone = 0;
  std::uint64_t signals = 0;
};
extern constinit Gate gate;
inline constexpr std::uint32_t kClosed = 1;

// Set once a signal handler was found to have left the allocator by siglongjmp(3): threads that enter block signals.
inline constexpr std::uint32_t kJumps = std::uint32_t{1} << 31;

// Where the calling thread is counted when it entered without a heap of its own, or lost its heap since; else null.
extern constinit thread_local std::uint32_t* entered_apart;

// Enters the allocator for a scope. Empty if the thread has to be served apart. Nothing in a thread that has entered
// already.
//
// A thread with a heap marks it and then looks at the gate, with plain instructions. Fork closes the gate, has every
// running thread pass a fence, and then looks at the heaps. The store and the load that follows it stand either before
// that fence in their thread, so that fork sees the mark, or the load stands after it and sees the gate closed.
//
// A signal handler that interrupts a thread here may leave by siglongjmp(3) and never come back. So the mark is the
// address of the outermost Entry, which holds a word of its own. It was left when its place on the stack holds other
// things by now, or when the thread enters from further out on the same stack. Then
//   1. locks are reset, as in a forked child: it is a process with one thread;
//   2. what the heap's magazines hold is written off, as it may be in two places;
//   3. from then on (kJumps) threads that enter block signals, so that it happens once.
// A thread without a heap has its mark in the gate while there is no other thread: under slob, and where blocks are
// checked, no thread needs a heap.
// A function with an Entry calls no other that has one unless that is out of line: then the addresses tell which is
// the outer one.
//
// Always inlined, though the files of the slow paths are compiled for size: each miss comes by.
class [[nodiscard]] Entry {
 public:
  [[gnu::always_inline]] Entry() {
    Heap* const heap = current;
    if (heap->kind != Kind::kLive) [[unlikely]] {
      enter_apart();
      return;
    }
    const std::uintptr_t outer = heap->entered;
    if (outer != 0 && !((outer <= place() || heap->busy || busy_apart) && recovers(outer))) return;
    outermost_ = true;
    token_ = token_of(place());
    std::atomic_signal_fence(std::memory_order_seq_cst);  // a signal handler that sees the mark sees the token
    __atomic_store_n(&heap->entered, place(), __ATOMIC_RELAXED);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if ((gate.word.load(std::memory_order_relaxed) & (kClosed | kJumps)) != 0) [[unlikely]]
      meet_closed_gate();
  }
  [[gnu::always_inline]] ~Entry() {
    if (!outermost_) return;
    Heap* const heap = current;
    // release: pairs with the load in anybody
    if (heap->entered == place()) [[likely]]
      __atomic_store_n(&heap->entered, std::uintptr_t{0}, __ATOMIC_RELEASE);
    else leave_otherwise();
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  explicit operator bool() const { return in_; }

  // What an Entry at `place` holds as long as it stands.
  static std::uintptr_t token_of(std::uintptr_t place) { return kToken ^ place; }

 private:
  static constexpr std::uintptr_t kToken = 0x6173686c61723f21;

  [[nodiscard]] std::uintptr_t place() const { return reinterpret_cast<std::uintptr_t>(&token_); }
  void enter_apart();
  void enter_alone();
  void meet_closed_gate();
  [[nodiscard, gnu::cold]] bool recovers(std::uintptr_t outer) const;
  [[gnu::cold]] void leave_otherwise();
  static void leave_apart();

  std::uintptr_t token_ = 0;  // written by the outermost one
  bool in_ = true;
  bool outermost_ = false;
};

// The calling thread's heap goes to another thread: it is counted apart from here on.
void count_apart(Heap& heap);

// Calls work within the allocator, and returns what that returned. Waits for the end of a fork, so no other thread may
// wait for the caller.
bool run_entered(bool (*work)());

// Waits until no other thread forks, and closes the gate; then, for a while, until no other thread has entered.
void close_gate();
void open_gate();
void reset_gate_in_child();

}  // namespace ashlar::heap
