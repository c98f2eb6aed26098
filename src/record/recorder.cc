// record: which thread writes where, and how it begins and ends.
#include "record/recorder.h"

#include <pthread.h>

#include <climits>
#include <cstring>
#include <new>

#include "base/text.h"

namespace ashlar::record {

// In .data, on a page that the dynamic linker writes anyway: every miss looks here.
[[gnu::section(".data")]] constinit std::atomic<bool> on{false};
constinit State* state = nullptr;

namespace {

// What stands for a thread that has no Thread: one that is about to get one, and one past its end.
constinit heap::Aside starting{nullptr, true};
constinit heap::Aside past_end;

// How many processes that began a file stand in line from the first to this one. Not wiped: so a child's is another.
constinit std::uint32_t generation = 0;

constinit pthread_key_t key{};
[[ASHLAR_SPARSE]] constinit char base[kMaxPattern * 2 + 2];

// The list of threads that nobody has. Its head counts changes, so that a thread which was taken and put back meanwhile
// is noticed. A Thread is never unmapped, and may be read when another one has taken it.
Thread* thread_at(std::uint64_t head) {
  return reinterpret_cast<Thread*>(head & ((std::uint64_t{1} << kAddressBits) - 1));
}

std::uint64_t head_after(std::uint64_t head, Thread* thread) {
  const std::uint64_t count = (head >> kAddressBits) + 1;
  return count << kAddressBits | reinterpret_cast<std::uintptr_t>(thread);
}

void put_idle(Thread& thread) {
  std::uint64_t head = state->idle.load(std::memory_order_relaxed);
  do {
    thread.next.store(thread_at(head), std::memory_order_relaxed);
  } while (!state->idle.compare_exchange_weak(head, head_after(head, &thread), std::memory_order_release,
                                              std::memory_order_relaxed));
}

Thread* take_idle() {
  std::uint64_t head = state->idle.load(std::memory_order_acquire);  // pairs with the release in put_idle
  for (;;) {
    Thread* const first = thread_at(head);
    if (first == nullptr) return nullptr;
    Thread* const next = first->next.load(std::memory_order_relaxed);
    if (state->idle.compare_exchange_weak(head, head_after(head, next), std::memory_order_acquire)) return first;
  }
}

// On a page of its own: what the layers below hand out takes a lock, which a fork may hold while it waits for a mutex
// of this thread's.
Thread* new_thread() {
  void* const place = os::map(sizeof(Thread));
  return place != nullptr ? new (place) Thread : nullptr;
}

void forget_chunk(Thread& thread) {
  thread.at = thread.end = nullptr;
  thread.chunk = nullptr;
  thread.chunk_bytes = 0;
}

std::uint32_t next_thread_number() { return state->threads.fetch_add(1, std::memory_order_relaxed) + 1; }

// A Thread with the number. Null, and the trace has ended, where there is no memory.
Thread* take_thread(std::uint32_t number) {
  Thread* thread = take_idle();
  if (thread == nullptr) thread = new_thread();
  if (thread == nullptr) {
    constexpr int kNoMemory = 12;  // ENOMEM
    end_trace(kNoMemory);
    return nullptr;
  }
  thread->generation = state->generation.load(std::memory_order_relaxed);
  thread->number = number;
  thread->calls_until_time = 1;
  thread->rounds = 0;
  write_thread(*thread);
  return thread;
}

Thread* begin_thread() {
  if (os::thread_is_ending()) return nullptr;  // nothing would end it; what libc frees in its last moments is not seen
  heap::aside = &starting;
  Thread* const thread = take_thread(next_thread_number());
  // Its destructors would be called for a thread that has ended already; without the key it is never idle.
  if (thread != nullptr) pthread_setspecific(key, thread);
  heap::aside = thread;
  return thread;
}

Thread* lease_thread() {
  heap::aside = &starting;
  Thread* const thread = take_thread(0);
  if (thread != nullptr) thread->leased = true;  // before a signal handler finds it
  std::atomic_signal_fence(std::memory_order_seq_cst);
  heap::aside = thread != nullptr ? thread : &past_end;
  return thread;
}

// In the round of heap's own destructor, which may come before or after: the last round is left to tools that must
// outlive every allocation (ThreadSanitizer).
void on_thread_end(void* own) {
  Thread& thread = *static_cast<Thread*>(own);
  if (&thread != heap::aside) return;
  if (++thread.rounds < PTHREAD_DESTRUCTOR_ITERATIONS - 1 && pthread_setspecific(key, own) == 0) return;
  const bool torn = thread.inside;  // a signal handler left one of its calls by a jump
  thread.inside = true;             // what a handler calls from here on is not seen
  std::atomic_signal_fence(std::memory_order_seq_cst);
  heap::take_back_heap();
  heap::aside = &past_end;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  thread.inside = false;
  if (!torn && thread.generation == state->generation.load(std::memory_order_relaxed)) put_idle(thread);
}

// In a forked child. Another thread of the child waits.
void begin_in_child() {
  const os::SignalsBlocked blocked;  // a handler would wait for the thread that it interrupted
  std::uint32_t none = 0;
  if (!state->generation.compare_exchange_strong(none, kBeginning, std::memory_order_acquire)) {
    while (state->generation.load(std::memory_order_acquire) == kBeginning) os::pause();
    return;
  }
  begin_file(base, true);
  state->generation.store(++generation, std::memory_order_release);
}

// A path that stays right when the program changes its folder. False if it is too long.
bool make_absolute(const char* path) {
  std::size_t used = 0;
  if (*path != '/') {
    if (!os::current_folder(base, sizeof base / 2)) return false;
    used = std::strlen(base);
    base[used++] = '/';
  }
  const std::size_t length = std::strlen(path);
  if (used + length >= sizeof base) return false;
  std::memcpy(base + used, path, length + 1);
  return true;
}

}  // namespace

Thread* begin_call() {
  const std::uint32_t now = state->generation.load(std::memory_order_acquire);
  if (now == 0 || now == kBeginning) [[unlikely]] {
    begin_in_child();
    return on.load(std::memory_order_relaxed) ? begin_call() : nullptr;
  }
  heap::Aside* const own = heap::aside;
  if (own == nullptr) [[unlikely]]
    return begin_thread();
  if (own == &starting) [[unlikely]]
    return nullptr;
  if (own == &past_end) [[unlikely]]
    return lease_thread();
  auto* const thread = static_cast<Thread*>(own);
  if (thread->inside || thread->leased) return nullptr;
  if (thread->generation != now) [[unlikely]] {  // the child has this one of its parent's threads
    forget_chunk(*thread);
    thread->generation = now;
    thread->number = next_thread_number();
  }
  return thread;
}

heap::Aside& Call::aside_of(Thread& thread) { return thread; }

Call::Lease::~Lease() {
  if (!thread.leased) return;
  // The heap stays the thread's own: its destructor may be still to come, and who takes the Thread next must find none.
  heap::take_back_heap();
  heap::aside = &past_end;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  thread.leased = false;
  put_idle(thread);
}

void start(const char* path) {
  if (options.mmap_only != 0) return os::say("record: it needs more system calls than mmap_only allows");
  if (!make_absolute(path)) return os::say("record: the path of the file is too long");
  state = static_cast<State*>(os::map_wiped(sizeof(State)));
  if (state == nullptr) return os::say("record: it needs MADV_WIPEONFORK, which the kernel refuses");
  if (pthread_key_create(&key, on_thread_end) != 0) return os::say("record: there is no key for its threads");
  if (!begin_file(base, false)) return;
  state->generation.store(++generation, std::memory_order_release);
  heap::set_heaps_aside(true);
  on.store(true, std::memory_order_relaxed);
}

}  // namespace ashlar::record
