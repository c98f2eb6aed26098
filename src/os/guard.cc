// os: what checking and guarding need from the system: pages without access, faults, and the identity of a thread.
#include <signal.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <ucontext.h>

#include <cerrno>
#include <cstring>

#include "os/action.h"
#include "os/call.h"
#include "os/os.h"

namespace ashlar::os {

namespace {

// Written once, before main, by the thread that loads the library.
struct Faults {
  bool (*explain)(std::uintptr_t address) = nullptr;
  call::Action before[2] = {};  // the actions of SIGSEGV and SIGBUS
};
constinit Faults faults;

call::Action& action_before(int signal) { return faults.before[signal == SIGSEGV ? 0 : 1]; }

// Restores the action from before. The instruction runs again when the handler returns, and that action gets the fault.
void let_take_its_course(int signal) { call::set_action(signal, action_before(signal)); }

bool is_handler(const call::Action& action) {
  return (action.flags & SA_SIGINFO) != 0 || (action.handler != SIG_DFL && action.handler != SIG_IGN);
}

// No instruction caused the signal, so none runs again: the signal is sent again as it was, by rt_tgsigqueueinfo(2), or
// by tgkill(2) where that is refused. A signal that was ignored stays ignored.
void send_again(int signal, siginfo_t* info) {
  if (action_before(signal).handler == SIG_IGN) return;
  let_take_its_course(signal);
  const long process = call::number(SYS_getpid), thread = call::number(SYS_gettid);
  if (call::number(SYS_rt_tgsigqueueinfo, process, thread, signal, info) != 0) {
    call::number(SYS_tgkill, process, thread, signal);
  }
}

// Calls the handler that was there before like the kernel would: with its signals blocked besides those that were when
// the signal came, and only once if its flags have SA_RESETHAND. The kernel restores the mask when the handler returns.
void call_before(int signal, siginfo_t* info, void* context) {
  call::Action& kept = action_before(signal);
  const call::Action action = kept;
  const std::uint64_t also = (action.flags & SA_NODEFER) == 0 ? call::bit_of(signal) : 0;
  std::uint64_t mask = 0;  // libc's set of signals is longer than the kernel's, which it starts with
  std::memcpy(&mask, &static_cast<const ucontext_t*>(context)->uc_sigmask, sizeof mask);
  call::change_signal_mask(SIG_SETMASK, mask | action.mask | also, nullptr);
  if ((action.flags & SA_RESETHAND) != 0) {
    kept.flags &= ~std::uint64_t{SA_SIGINFO};
    kept.handler = SIG_DFL;
  }
  if ((action.flags & SA_SIGINFO) != 0) action.informed_handler()(signal, info, context);
  else action.handler(signal);
}

void on_signal(int signal, siginfo_t* info, void* context) {
  const int saved = errno;
  const bool sent = info->si_code <= 0;  // by kill, raise, sigqueue: it has no address
  const bool told = !sent && faults.explain(reinterpret_cast<std::uintptr_t>(info->si_addr));
  if (!told && is_handler(action_before(signal))) call_before(signal, info, context);
  else if (sent) send_again(signal, info);
  else let_take_its_course(signal);
  errno = saved;
}

// Catches a signal, on the stack and with the restarts that the previous handler asked for. The faults are blocked in
// the handler, so that the kernel ends the process at a fault of the handler itself. It would else fault again and
// again where an alternate stack is too small for it.
void catch_signal(int signal) {
  call::Action& kept = action_before(signal);
  call::get_action(signal, kept);
  const std::uint64_t as_before = is_handler(kept) ? kept.flags & (SA_ONSTACK | SA_RESTART) : SA_ONSTACK;
  call::Action action = call::Action::informed(on_signal, as_before);
  action.mask = call::bit_of(SIGSEGV) | call::bit_of(SIGBUS);
  call::set_action(signal, action);
}

}  // namespace

Key process_key() {
  Key raw;
  if (const unsigned long at = getauxval(AT_RANDOM); at != 0) {
    std::memcpy(&raw, reinterpret_cast<const void*>(at), sizeof raw);
  }
  Key fresh;
  const int saved = errno;
  if (options.mmap_only == 0 && call::number(SYS_getrandom, &fresh, sizeof fresh, GRND_NONBLOCK) == sizeof fresh) {
    raw.low ^= fresh.low;
    raw.high ^= fresh.high;
  }
  errno = saved;
  return {siphash(raw, 0), siphash(raw, 1)};
}

std::uint32_t thread_number() {
  return options.mmap_only != 0 ? 0 : static_cast<std::uint32_t>(call::number(SYS_gettid));
}

void on_fault(bool (*explain)(std::uintptr_t)) {
  faults.explain = explain;
  catch_signal(SIGSEGV);
  catch_signal(SIGBUS);
}

}  // namespace ashlar::os
