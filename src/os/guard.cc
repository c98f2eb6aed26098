// os: what checking and guarding need of the system: pages without access, faults, and who the thread is.
#include <signal.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "os/os.h"

namespace ashlar::os {

namespace {

// Both written once, before main, by the thread that loads the library.
using Explain = bool (*)(std::uintptr_t);
constinit Explain explain_fault = nullptr;
constinit struct sigaction before[2] = {};

struct sigaction& action_before(int signal) {
  return before[signal == SIGSEGV ? 0 : 1];
}

// The instruction is run again when a handler returns, and so meets whatever handles the signal by then.
void let_take_its_course(int signal) { sigaction(signal, &action_before(signal), nullptr); }

bool is_handler(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
}

// No instruction caused the signal, so none is run again: it is sent again as it was (rt_tgsigqueueinfo(2), raise(3)
// where that is refused). A signal that was ignored stays so.
void send_again(int signal, siginfo_t* info) {
  if (action_before(signal).sa_handler == SIG_IGN) return;
  let_take_its_course(signal);
  if (syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), signal, info) != 0) raise(signal);
}

// Calls the handler that was there before as the kernel would: with the signals blocked that it wants blocked, and only
// once if it is to be reset. The kernel restores the mask when the handler returns.
void call_before(int signal, siginfo_t* info, void* context) {
  struct sigaction& kept = action_before(signal);
  const struct sigaction action = kept;
  sigset_t mask = action.sa_mask;
  if ((action.sa_flags & SA_NODEFER) == 0) sigaddset(&mask, signal);
  pthread_sigmask(SIG_BLOCK, &mask, nullptr);
  if ((action.sa_flags & static_cast<int>(SA_RESETHAND)) != 0) {
    kept.sa_flags &= ~SA_SIGINFO;
    kept.sa_handler = SIG_DFL;
  }
  if ((action.sa_flags & SA_SIGINFO) != 0) action.sa_sigaction(signal, info, context);
  else action.sa_handler(signal);
}

void on_signal(int signal, siginfo_t* info, void* context) {
  const int saved = errno;
  const bool sent = info->si_code <= 0;  // by kill, raise, sigqueue: its address is none
  const bool told = !sent && explain_fault(reinterpret_cast<std::uintptr_t>(info->si_addr));
  if (!told && is_handler(action_before(signal))) call_before(signal, info, context);
  else if (sent) send_again(signal, info);
  else let_take_its_course(signal);
  errno = saved;
}

// Catches a signal, on the stack and with the restarts that the handler before asked for.
void catch_signal(int signal) {
  struct sigaction& kept = action_before(signal);
  sigaction(signal, nullptr, &kept);
  struct sigaction action = {};
  action.sa_sigaction = on_signal;
  action.sa_flags =
      SA_SIGINFO | SA_NODEFER | (is_handler(kept) ? kept.sa_flags & (SA_ONSTACK | SA_RESTART) : SA_ONSTACK);
  sigaction(signal, &action, nullptr);
}

}  // namespace

Key process_key() {
  Key raw;
  if (const unsigned long at = getauxval(AT_RANDOM); at != 0) {
    std::memcpy(&raw, reinterpret_cast<const void*>(at), sizeof raw);
  }
  Key fresh;
  const int saved = errno;
  if (options.mmap_only == 0 && getrandom(&fresh, sizeof fresh, GRND_NONBLOCK) == sizeof fresh) {
    raw.low ^= fresh.low;
    raw.high ^= fresh.high;
  }
  errno = saved;
  return {siphash(raw, 0), siphash(raw, 1)};
}

std::uint32_t thread_number() { return options.mmap_only != 0 ? 0 : static_cast<std::uint32_t>(gettid()); }

void on_fault(bool (*explain)(std::uintptr_t)) {
  explain_fault = explain;
  catch_signal(SIGSEGV);
  catch_signal(SIGBUS);
}

}  // namespace ashlar::os
