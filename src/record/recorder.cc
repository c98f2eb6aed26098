// record: assigns threads to chunks, and begins and ends their part in the recording.
#include "record/recorder.h"

#include <climits>
#include <cstring>
#include <new>

#include "base/text.h"

namespace ashlar::record {

// In .data, on a page that the dynamic linker writes anyway, because every miss reads it.
[[gnu::section(".data")]] constinit std::atomic<bool> on{false};
[[ASHLAR_SPARSE]] constinit Recorder recorder;

void enlist(Thread& thread) {
  thread.line = recorder.state->line;
  thread.next_of_all = recorder.state->all.load(std::memory_order_relaxed);
  while (!recorder.state->all.compare_exchange_weak(thread.next_of_all, &thread, std::memory_order_release,
                                                    std::memory_order_relaxed)) {
  }
}

// Unmaps the thread's chunk. A parent's chunk is not mapped in a child, which may have something else at its address.
void drop_chunk(Thread& thread) {
  thread.at = thread.end = nullptr;
  void* const chunk = thread.chunk.exchange(nullptr, std::memory_order_acq_rel);
  if (chunk != nullptr && thread.line == recorder.state->line) os::unmap(chunk, thread.chunk_bytes);
}

namespace {

// These stand for a thread that has no Thread: one that is about to get one, and one past its end.
constinit heap::Aside starting{nullptr, true};
constinit heap::Aside past_end;

// The list of Threads that no thread uses. Its head counts changes, so that a Thread that was taken and put back
// meanwhile is noticed. A Thread is never unmapped, and may be read after another thread has taken it.
Thread* thread_at(std::uint64_t head) {
  return reinterpret_cast<Thread*>(head & ((std::uint64_t{1} << kAddressBits) - 1));
}

std::uint64_t head_after(std::uint64_t head, Thread* thread) {
  const std::uint64_t count = (head >> kAddressBits) + 1;
  return count << kAddressBits | reinterpret_cast<std::uintptr_t>(thread);
}

void put_idle(Thread& thread) {
  std::uint64_t head = recorder.state->idle.load(std::memory_order_relaxed);
  do {
    thread.next.store(thread_at(head), std::memory_order_relaxed);
  } while (!recorder.state->idle.compare_exchange_weak(head, head_after(head, &thread), std::memory_order_release,
                                                       std::memory_order_relaxed));
}

Thread* take_idle() {
  std::uint64_t head = recorder.state->idle.load(std::memory_order_acquire);  // pairs with the release in put_idle
  for (;;) {
    Thread* const first = thread_at(head);
    if (first == nullptr) return nullptr;
    Thread* const next = first->next.load(std::memory_order_relaxed);
    if (recorder.state->idle.compare_exchange_weak(head, head_after(head, next), std::memory_order_acquire))
      return first;
  }
}

// Makes a Thread on a page of its own. The allocator below takes a lock, which a fork may hold while it waits for a
// mutex that this thread holds.
Thread* new_thread() {
  void* const place = os::map(sizeof(Thread));
  if (place == nullptr) return nullptr;
  auto* const thread = new (place) Thread;
  enlist(*thread);
  return thread;
}

std::uint32_t next_thread_number() { return recorder.state->threads.fetch_add(1, std::memory_order_relaxed) + 1; }

// Makes a thread write to the file of this generation.
void follow_file(Thread& thread, std::uint32_t now) {
  drop_chunk(thread);
  if (thread.line != recorder.state->line) enlist(thread);
  thread.generation = now;
}

// Returns a Thread with a number of its own, or with 0. Ends the trace and returns null where there is no memory.
Thread* take_thread(bool numbered) {
  Thread* thread = take_idle();
  if (thread == nullptr) thread = new_thread();
  if (thread == nullptr) {
    constexpr int kNoMemory = 12;  // ENOMEM
    end_trace(kNoMemory);
    return nullptr;
  }
  thread->inside = true;  // before the read of the generation, see end_live
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const std::uint32_t now = recorder.state->generation.load(std::memory_order_acquire);
  if (thread->generation != now) follow_file(*thread, now);
  thread->number = numbered ? next_thread_number() : 0;
  thread->calls_until_time = 1;
  thread->rounds = 0;
  write_thread(*thread);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  thread->inside = false;
  return thread;
}

Thread* lease_thread() {
  heap::aside = &starting;
  Thread* const thread = take_thread(false);
  if (thread != nullptr) thread->leased = true;  // before a signal handler finds it
  std::atomic_signal_fence(std::memory_order_seq_cst);
  heap::aside = thread != nullptr ? thread : &past_end;
  return thread;
}

Thread* begin_thread() {
  if (os::thread_is_ending()) return nullptr;  // nothing would end it; what libc frees then is not recorded
  if (heap::current->kind == heap::Kind::kDead) return lease_thread();  // it was past its end when this began
  heap::aside = &starting;
  Thread* const thread = take_thread(true);
  // The key's destructors would run for a thread that has ended. Without a value for the key the Thread is never idle.
  if (thread != nullptr) pthread_setspecific(recorder.key, thread);
  heap::aside = thread;
  return thread;
}

// Acts in the round before the last, like the heap's own destructor, which may come before or after this one. The last
// round is left to tools that must outlive every allocation (ThreadSanitizer).
void on_thread_end(void* own) {
  Thread& thread = *static_cast<Thread*>(own);
  if (&thread != heap::aside) return;
  if (++thread.rounds < PTHREAD_DESTRUCTOR_ITERATIONS - 1 && pthread_setspecific(recorder.key, own) == 0) return;
  const bool torn = thread.inside;  // a signal handler left a call by a jump
  thread.inside = true;             // from here on a handler's calls are not recorded
  std::atomic_signal_fence(std::memory_order_seq_cst);
  heap::take_back_heap();
  heap::aside = &past_end;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  thread.inside = false;
  if (!torn && thread.line == recorder.state->line) put_idle(thread);
}

// Begins the child's file after a fork. Other threads of the child wait until it is done.
void begin_in_child() {
  const os::SignalsBlocked blocked;  // otherwise a handler would wait for the thread that it interrupted
  std::uint32_t none = 0;
  if (!recorder.state->generation.compare_exchange_strong(none, kBeginning, std::memory_order_acquire)) {
    while (recorder.state->generation.load(std::memory_order_acquire) == kBeginning) os::pause();
    return;
  }
  recorder.state->line = ++recorder.lines;
  if (recorder.is_live) {  // no request would end it in the child
    recorder.is_live = false;
    on.store(false, std::memory_order_relaxed);
    heap::set_heaps_aside(false);
  } else if (const int error = begin_file(recorder.base, Begins::kInChild)) {
    end_trace(error);
  }
  recorder.state->generation.store(++recorder.generations, std::memory_order_release);
}

// Makes a path that stays right when the program changes its folder. Returns false if it is too long.
bool make_absolute(const char* path) {
  std::size_t used = 0;
  if (*path != '/') {
    if (!os::current_folder(recorder.base, sizeof recorder.base / 2)) return false;
    used = std::strlen(recorder.base);
    recorder.base[used++] = '/';
  }
  const std::size_t length = std::strlen(path);
  if (used + length >= sizeof recorder.base) return false;
  std::memcpy(recorder.base + used, path, length + 1);
  return true;
}

// The rest of begin_call, for a thread's first call, or for a call that is not recorded.
[[gnu::noinline]] Thread* begin_seldom(std::uint32_t now, heap::Aside* own) {
  if (now == 0 || now == kBeginning) [[unlikely]] {
    begin_in_child();
    return begin();
  }
  if (heap::is_within(own)) [[unlikely]]
    return nullptr;
  if (own == nullptr) [[unlikely]]
    return begin_thread();
  if (own == &starting) [[unlikely]]
    return nullptr;
  if (own == &past_end) [[unlikely]]
    return lease_thread();
  auto* const thread = static_cast<Thread*>(own);
  if (thread->inside || thread->leased) return nullptr;
  if (thread->generation != now) [[unlikely]] {  // it belongs to the previous file, or to the parent of this child
    follow_file(*thread, now);
    thread->number = next_thread_number();
  }
  return thread;
}

}  // namespace

// Every recorded call comes here. The usual path calls no function, so that it saves no registers.
Thread* begin_call() {
  if (!on.load(std::memory_order_acquire)) return nullptr;
  const std::uint32_t now = recorder.state->generation.load(std::memory_order_acquire);
  heap::Aside* const own = heap::aside;
  const bool is_outside = own != nullptr && !own->inside && heap::current->kind != heap::Kind::kLive;
  if (is_outside && own != &past_end) [[likely]] {  // and not `starting`, which is inside
    auto* const thread = static_cast<Thread*>(own);
    if (thread->generation == now && !thread->leased) [[likely]]
      return thread;
  }
  return begin_seldom(now, own);
}

void Call::end_lease(Thread& thread) {
  // The heap stays the thread's own: its destructor may be still to come, and the next user of the Thread must not find
  // a heap in it.
  heap::take_back_heap();
  heap::aside = &past_end;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  thread.leased = false;
  put_idle(thread);
}

const char* prepare() {
  if (options.mmap_only != 0) return "record: recording needs system calls that the option mmap_only forbids";
  if (recorder.state == nullptr) {
    recorder.state = static_cast<State*>(os::map_wiped(sizeof(State)));
    if (recorder.state == nullptr) return "record: recording needs madvise(MADV_WIPEONFORK), which the kernel refuses";
  }
  if (!recorder.have_key && pthread_key_create(&recorder.key, on_thread_end) != 0)
    return "record: the process has no key left for thread-specific data (pthread_key_create)";
  recorder.have_key = true;
  if (recorder.state->line == 0) recorder.state->line = ++recorder.lines;
  return nullptr;
}

void start(const char* path) {
  if (!make_absolute(path)) return os::say("record: the path of the file is too long");
  if (const char* const why = prepare()) return os::say(why);
  if (const int error = begin_file(recorder.base, Begins::kAtStart)) return end_trace(error);
  recorder.state->generation.store(++recorder.generations, std::memory_order_release);
  heap::set_heaps_aside(true);
  on.store(true, std::memory_order_release);
}

}  // namespace ashlar::record
