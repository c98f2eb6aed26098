// os, private: the actions of signals, by rt_sigaction(2). call.h says why libc's sigaction is not used.
#pragma once

#include <signal.h>

#include <cstdint>

#include "os/call.h"

namespace ashlar::os::call {

// The kernel's struct sigaction.
struct Action {
  using Handler = void (*)(int);
  using Informed = void (*)(int, siginfo_t*, void*);

  Handler handler = SIG_DFL;  // an Informed if the flags have SA_SIGINFO
  std::uint64_t flags = 0;
#if defined(__x86_64__) || defined(__aarch64__)
  void (*restorer)() = nullptr;
#endif
  std::uint64_t mask = 0;

  [[nodiscard]] static Action informed(Informed handler, std::uint64_t flags);
  [[nodiscard]] Informed informed_handler() const {
    return reinterpret_cast<Informed>(reinterpret_cast<void*>(handler));
  }
};

void get_action(int signal, Action& action);
void set_action(int signal, const Action& action);

}  // namespace ashlar::os::call
