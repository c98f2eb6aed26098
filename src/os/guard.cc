// os: what checking and guarding need of the system: pages without access, faults, and who the thread is.
#include <signal.h>
#include <sys/auxv.h>
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

// The instruction is run again when a handler returns, and so meets whoever handles the signal by then.
void let_take_its_course(int signal) { sigaction(signal, &action_before(signal), nullptr); }

void on_signal(int signal, siginfo_t* info, void* context) {
  const int saved = errno;
  const struct sigaction& previous = action_before(signal);
  // NOLINTNEXTLINE(bugprone-branch-clone): in the order in which they are asked
  if (explain_fault(reinterpret_cast<std::uintptr_t>(info->si_addr))) {
    let_take_its_course(signal);
  } else if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
    let_take_its_course(signal);
  } else {
    previous.sa_handler(signal);
  }
  errno = saved;
}

}  // namespace

std::uint64_t process_secret() {
  std::uint64_t secret = 0;
  if (const unsigned long at = getauxval(AT_RANDOM); at != 0) {
    std::memcpy(&secret, reinterpret_cast<const void*>(at), sizeof secret);
  }
  return secret;
}

std::uint32_t thread_number() { return options.mmap_only != 0 ? 0 : static_cast<std::uint32_t>(gettid()); }

void on_fault(bool (*explain)(std::uintptr_t)) {
  explain_fault = explain;
  struct sigaction action = {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigaction(SIGSEGV, &action, &before[0]);
  sigaction(SIGBUS, &action, &before[1]);
}

}  // namespace ashlar::os
