// os: threads of our own.
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <atomic>
#include <cerrno>
#include <iterator>

#include "base/hints.h"
#include "os/call.h"
#include "os/os.h"

namespace ashlar::os {

namespace {

// Of a started thread's stack, what its work may take.
constexpr std::size_t kNeededStack = 32_KiB;

// The size of the stacks, 0 for the default one. It is as small as the work: in a program that locks its future memory
// (mlockall(2), MCL_FUTURE) all of it is resident. The program's thread-local variables are in the stack's mapping, so
// a thread may find that too little is left for it. Relaxed: a hint.
constinit std::atomic<std::size_t> stack_bytes{64_KiB};
constexpr std::size_t kMaxStack = 1_MiB;

void enlarge_stack(std::size_t from) {
  stack_bytes.compare_exchange_strong(from, from < kMaxStack ? 2 * from : 0, std::memory_order_relaxed);
}

// Returns whether the policy is one that a started thread is not to inherit: real-time policies, and SCHED_IDLE, which
// may never run. A policy is not set without need, since filters kill for that (@resources in systemd.exec(5)).
bool must_set_policy() {
  const long policy = call::number(SYS_sched_getscheduler, 0);
  return policy >= 0 && (policy & ~SCHED_RESET_ON_FORK) != SCHED_OTHER;
}

// Processors that a thread may run on, as many as a kernel has at most.
struct Processors {
  std::uint64_t words[8192 / 64] = {};
};

// Those of a thread by its number, or of the calling one by 0. False if they are not told.
bool processors_of(long thread, Processors& processors) {
  return call::number(SYS_sched_getaffinity, thread, sizeof processors.words, processors.words) > 0;
}

// A thread has the processors of the one that starts it. That one may be pinned, and may end long before. So the new
// one also gets those of the first thread, which are what the process was given, unless that is pinned as well. No call
// is made without need, as for the policy.
void leave_pinned_processors() {
  Processors own, first;
  if (!processors_of(0, own) || !processors_of(call::number(SYS_getpid), first)) return;
  bool more = false;
  for (std::size_t i = 0; i < std::size(own.words); ++i) {
    more |= (first.words[i] & ~own.words[i]) != 0;
    own.words[i] |= first.words[i];
  }
  if (more && !call::has_filter()) call::number(SYS_sched_setaffinity, 0, sizeof own.words, own.words);
}

void* start(void* run);

// Calls pthread_create. Returns its result: EINVAL if the thread-local variables fill the stack, or no stack may be so
// small.
int create_detached(void (*run)(), std::size_t bytes) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  if (must_set_policy()) pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
  int result = bytes != 0 ? pthread_attr_setstacksize(&attributes, bytes) : 0;
  pthread_t thread;
  if (result == 0) result = pthread_create(&thread, &attributes, start, reinterpret_cast<void*>(run));
  pthread_attr_destroy(&attributes);
  return result;
}

// Returns whether the stack goes on below, up to its guard page. rt_sigprocmask(2) reads its set of signals before it
// refuses the unknown way of changing the mask; no filter that allows threads refuses it.
bool stack_suffices() {
  constexpr int kUnknownWay = -1;
  const auto here = round_down(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)), sizeof(std::uint64_t));
  for (std::size_t below = page_bytes(); below <= kNeededStack; below += page_bytes()) {
    const bool refused =
        call::number(SYS_rt_sigprocmask, kUnknownWay, here - below, nullptr, sizeof(std::uint64_t)) != 0;
    if (refused && errno == EFAULT) return false;
  }
  return true;
}

int create(void (*run)());

// Runs in the new thread, or in another one with a larger stack.
[[ASHLAR_ALWAYS_RUN]] void* start(void* argument) {
  const auto run = reinterpret_cast<void (*)()>(argument);
  const std::size_t bytes = stack_bytes.load(std::memory_order_relaxed);
  if (bytes != 0 && !stack_suffices()) {
    enlarge_stack(bytes);
    if (create(run) == 0) return nullptr;
  }
  leave_pinned_processors();
  run();
  return nullptr;
}

[[ASHLAR_ALWAYS_RUN]] int create(void (*run)()) {
  for (;;) {
    const std::size_t bytes = stack_bytes.load(std::memory_order_relaxed);
    const int result = create_detached(run, bytes);
    if (result != EINVAL || bytes == 0) return result;
    enlarge_stack(bytes);
  }
}

}  // namespace

bool start_thread(void (*run)()) {
  if (options.mmap_only != 0) return false;
  const int saved = errno;
  // The new thread inherits the mask. The program's signals are never delivered to a thread that it does not know.
  // libc's own two signals stay unblocked, since libc waits for an answer of each thread (nptl(7)).
  constexpr std::uint64_t kAll = ~(call::bit_of(32) | call::bit_of(33));
  std::uint64_t before = 0;
  call::change_signal_mask(SIG_SETMASK, kAll, &before);
  const int result = create(run);
  call::change_signal_mask(SIG_SETMASK, before, nullptr);
  errno = saved;
  return result == 0;
}

[[ASHLAR_ALWAYS_RUN]] bool thread_exists(std::uint32_t number) {
  const int saved = errno;
  const bool exists = call::number(SYS_tgkill, call::number(SYS_getpid), number, 0) == 0;
  errno = saved;
  return exists;
}

}  // namespace ashlar::os
