// os: the actions of signals.
#include "os/action.h"

#include <cerrno>

#include "os/os.h"

#ifdef __x86_64__
// The code that a handler returns to: on x86-64 the kernel has none of its own. Unwinders and debuggers recognise a
// signal's frame by exactly these bytes, which are those of libc. They also look at the byte before, which belongs to
// no function.
asm(R"(
  .pushsection .text.unlikely.ashlar_return_from_signal, "ax", @progbits
  .balign 16
  nop
  .hidden ashlar_return_from_signal
  .globl ashlar_return_from_signal
  .type ashlar_return_from_signal, @function
ashlar_return_from_signal:
  movq $15, %rax
  syscall
  .size ashlar_return_from_signal, . - ashlar_return_from_signal
  .popsection
)");
extern "C" [[gnu::visibility("hidden")]] void ashlar_return_from_signal();
#endif

namespace ashlar::os::call {

Action Action::informed(Informed handler, std::uint64_t flags) {
  Action action;
  action.handler = reinterpret_cast<Handler>(reinterpret_cast<void*>(handler));
  action.flags = SA_SIGINFO | flags;
#ifdef __x86_64__
  constexpr std::uint64_t kHasRestorer = 0x04000000;  // SA_RESTORER, which libc's headers do not define
  action.flags |= kHasRestorer;
  action.restorer = ashlar_return_from_signal;
#endif
  return action;
}

void get_action(int signal, Action& action) { number(SYS_rt_sigaction, signal, nullptr, &action, sizeof action.mask); }

void set_action(int signal, const Action& action) {
  number(SYS_rt_sigaction, signal, &action, nullptr, sizeof action.mask);
}

}  // namespace ashlar::os::call

namespace ashlar::os {

namespace {

constinit call::Action before_caught;  // the action of the one signal that is caught

// The kernel passes three arguments; a handler of this type reads the first.
call::Action::Informed informed(SignalHandler handler) {
  return reinterpret_cast<call::Action::Informed>(reinterpret_cast<void*>(handler));
}

}  // namespace

void catch_signal(int signal, SignalHandler handler) {
  const int saved = errno;
  call::get_action(signal, before_caught);
  call::Action action = call::Action::informed(informed(handler), SA_RESTART | SA_ONSTACK);
  action.mask = ~std::uint64_t{0};
  call::set_action(signal, action);
  errno = saved;
}

bool program_catches(int signal) {
  const int saved = errno;
  call::Action now;
  call::get_action(signal, now);
  errno = saved;
  return now.handler != SIG_DFL && now.handler != SIG_IGN;
}

void release_signal(int signal, SignalHandler handler) {
  const int saved = errno;
  call::Action now;
  call::get_action(signal, now);
  if (now.informed_handler() == informed(handler)) call::set_action(signal, before_caught);
  errno = saved;
}

}  // namespace ashlar::os
