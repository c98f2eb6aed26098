// os: what fork(3) needs from libc: whether there are other threads, their signals, and the lock of stdio's streams.
#include <linux/membarrier.h>
#include <signal.h>

#include <atomic>
#include <cerrno>

#include "base/hints.h"
#include "os/call.h"
#include "os/os.h"

extern "C" {
// Set to the first thread's stack by the dynamic linker, or by libc in a static program.
[[gnu::weak]] extern void* libc_stack_end asm("__libc_stack_end");
// In libc since glibc 2.32, see sys/single_threaded.h.
[[gnu::weak]] extern char libc_single_threaded asm("__libc_single_threaded");
// glibc's own fork calls these. It exports them for old programs.
[[gnu::weak]] void libc_lock_streams() asm("_IO_list_lock");
[[gnu::weak]] void libc_unlock_streams() asm("_IO_list_unlock");
[[gnu::weak]] void libc_reset_streams() asm("_IO_list_resetlock");
}

namespace ashlar::os {

[[ASHLAR_ALWAYS_RUN]] bool single_threaded() { return &libc_single_threaded != nullptr && libc_single_threaded != 0; }

namespace {

void set_signal_mask(const std::uint64_t& mask, std::uint64_t* before) {
  const int saved = errno;
  call::change_signal_mask(SIG_SETMASK, mask, before);
  errno = saved;
}

}  // namespace

SignalsBlocked::SignalsBlocked() {
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  if (options.mmap_only == 0) set_signal_mask(kAll, &before_);
}

SignalsBlocked::~SignalsBlocked() {
  if (options.mmap_only == 0) set_signal_mask(before_, nullptr);
}

std::uint64_t block_signals() {
  constexpr int kOfInstructions[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
  std::uint64_t mask = ~std::uint64_t{0}, before = 0;
  for (const int signal : kOfInstructions) mask &= ~(std::uint64_t{1} << (signal - 1));
  if (options.mmap_only == 0) set_signal_mask(mask, &before);
  return before;
}

void restore_signals(std::uint64_t before) {
  if (options.mmap_only == 0) set_signal_mask(before, nullptr);
}

namespace {

// Below the top of the first thread's stack nothing else is mapped within this distance, because the kernel leaves a
// gap.
constexpr std::uintptr_t kFirstStack = 8_MiB;
// The same for other threads' stacks. The thread pointer is in their top, and below the stack there is a page without
// access.
constexpr std::uintptr_t kThreadStack = 256_KiB;

bool is_readable_between(std::uintptr_t low, std::uintptr_t high) {
  for (std::uintptr_t at = low; at < high; at += page_bytes()) {
    if (!readable(reinterpret_cast<const void*>(at), 1)) return false;
  }
  return true;
}

}  // namespace

bool on_same_stack(std::uintptr_t inner, std::uintptr_t outer) {
  stack_t alternate{};
  const int saved = errno;
  const bool known = options.mmap_only == 0 && call::number(SYS_sigaltstack, nullptr, &alternate) == 0;
  errno = saved;
  if (!known || (alternate.ss_flags & SS_ONSTACK) != 0 || inner > outer) return false;
  if (&libc_stack_end != nullptr) {
    const auto top = reinterpret_cast<std::uintptr_t>(libc_stack_end);
    if (outer <= top && top - inner < kFirstStack) return true;
  }
  const std::uintptr_t top = thread_identity();
  return outer <= top && top - inner < kThreadStack && is_readable_between(inner, outer);
}

bool thread_is_ending() {
  if (options.mmap_only != 0) return false;
  constexpr std::uint64_t kOfLibc = std::uint64_t{1} << (32 - 1);  // libc's own signal 32, for pthread_cancel(3)
  std::uint64_t mask = 0;
  const int saved = errno;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, nullptr, &mask, sizeof mask);
  errno = saved;
  return (mask & kOfLibc) != 0;
}

namespace {

[[ASHLAR_ALWAYS_RUN]] bool membarrier(int command) {
  if (options.mmap_only != 0) return false;
  const int saved = errno;
  const bool done = call::number(SYS_membarrier, command, 0, 0) == 0;
  errno = saved;
  return done;
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] void prepare_fences() { membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED); }
bool fence_all_threads() { return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED); }

namespace {
// Relaxed: the thread that reads it started after the thread that wrote it, or is that thread.
constinit std::atomic<long> noted{0};
long process() { return options.mmap_only != 0 ? 0 : call::number(SYS_getpid); }
}  // namespace

void note_process() { noted.store(process(), std::memory_order_relaxed); }
void note_process_in_thread() {
  if (noted.load(std::memory_order_relaxed) != 0 || options.mmap_only != 0) return;
  if (call::number(SYS_gettid) != process()) note_process();
}
[[ASHLAR_ALWAYS_RUN]] void note_process_again() {
  if (noted.load(std::memory_order_relaxed) != 0) note_process();
}
bool is_known_process() { return noted.load(std::memory_order_relaxed) != 0 && is_noted_process(); }
[[ASHLAR_ALWAYS_RUN]] bool is_noted_process() {
  const long number = noted.load(std::memory_order_relaxed);
  return number == 0 || number == process();
}

bool lock_streams() {
  if (libc_lock_streams == nullptr || libc_unlock_streams == nullptr || libc_reset_streams == nullptr) return false;
  libc_lock_streams();
  return true;
}

void unlock_streams() { libc_unlock_streams(); }
void reset_streams_in_child() { libc_reset_streams(); }

}  // namespace ashlar::os
