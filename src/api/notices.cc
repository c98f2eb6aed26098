// api: functions of the program that are called when memory is short (notices.h).
#include "api/notices.h"

#include <atomic>
#include <cerrno>

#include "base/hints.h"
#include "check/check.h"
#include "heap/heap.h"
#include "page/page.h"

namespace ashlar::api {

constinit thread_local std::uintptr_t Quiet::innermost = 0;

// Marks that the thread runs a listener, for a scope: its own allocations then notify no listener.
class Telling {
 public:
  Telling() { Quiet::innermost |= Quiet::kTells; }
  ~Telling() { Quiet::innermost &= ~Quiet::kTells; }
  Telling(const Telling&) = delete;
  Telling& operator=(const Telling&) = delete;

  static bool is_on() { return (Quiet::innermost & Quiet::kTells) != 0; }
};

namespace {

enum class State : std::uint8_t { kFree, kChanging, kListens };

// `state` and `running` are seq_cst: either a running thread sees that a listener is being removed, or the thread that
// removes it sees that it runs.
template <class Function>
struct Listener {
  std::atomic<State> state{State::kFree};
  std::atomic<std::uint32_t> running{0};
  std::atomic<std::uint32_t> process{0};  // that added it: a forked child may lack the thread that ran it
  std::atomic<Function*> function{nullptr};
  std::atomic<void*> argument{nullptr};
};

constexpr std::size_t kMax = 8;
struct Listeners {
  Listener<ashlar_failure_function> of_failure[kMax];
  Listener<ashlar_pressure_function> of_pressure[kMax];
  // The pressure that the listeners were last notified of. Relaxed: the thread that exchanges it notifies them of the
  // new value.
  std::atomic<os::Pressure> last_pressure{os::Pressure::kNone};
};
[[ASHLAR_SPARSE]] constinit Listeners all_listeners;

template <class Function>
int add(Listener<Function> (&listeners)[kMax], Function* function, void* argument) {
  if (function == nullptr) return EINVAL;
  for (auto& listener : listeners) {
    State expected = State::kFree;
    if (!listener.state.compare_exchange_strong(expected, State::kChanging)) continue;
    listener.function.store(function, std::memory_order_relaxed);
    listener.argument.store(argument, std::memory_order_relaxed);
    listener.process.store(os::process_number(), std::memory_order_relaxed);
    listener.state.store(State::kListens);
    return 0;
  }
  return ENOSPC;
}

// Waits until no other thread runs the listener.
template <class Function>
void await_end(Listener<Function>& listener) {
  while (!Telling::is_on() && listener.running.load() != 0) {
    if (listener.process.load(std::memory_order_relaxed) != os::process_number()) return listener.running.store(0);
    os::pause();
  }
}

template <class Function>
int remove(Listener<Function> (&listeners)[kMax], Function* function, void* argument) {
  for (auto& listener : listeners) {
    if (listener.state.load() != State::kListens) continue;
    if (listener.function.load(std::memory_order_relaxed) != function) continue;
    if (listener.argument.load(std::memory_order_relaxed) != argument) continue;
    State expected = State::kListens;
    if (!listener.state.compare_exchange_strong(expected, State::kChanging)) continue;
    await_end(listener);
    listener.state.store(State::kFree);
    return 0;
  }
  return ENOENT;
}

template <class Function, class... Facts>
[[ASHLAR_SELDOM_RUN]] void tell(Listener<Function> (&listeners)[kMax], Facts... facts) {
  if (Telling::is_on() || heap::interrupted() || check::interrupted()) return;
  const int saved = errno;
  const Telling telling;
  for (auto& listener : listeners) {
    if (listener.state.load() != State::kListens) continue;
    listener.running.fetch_add(1);
    if (listener.state.load() == State::kListens) {
      listener.function.load(std::memory_order_relaxed)(facts..., listener.argument.load(std::memory_order_relaxed));
    }
    listener.running.fetch_sub(1);
  }
  errno = saved;
}

[[ASHLAR_SELDOM_RUN]] void tell_pressure() {
  const os::Pressure now = page::signals.pressure.load(std::memory_order_relaxed);
  if (Telling::is_on() || all_listeners.last_pressure.load(std::memory_order_relaxed) == now) return;
  if (all_listeners.last_pressure.exchange(now, std::memory_order_relaxed) != now)
    tell(all_listeners.of_pressure, static_cast<std::uint32_t>(now));
}

}  // namespace

int add_listener(ashlar_failure_function* function, void* argument) {
  return add(all_listeners.of_failure, function, argument);
}

int add_listener(ashlar_pressure_function* function, void* argument) {
  const int error = add(all_listeners.of_pressure, function, argument);
  if (error == 0) page::watch_pressure(tell_pressure);
  return error;
}

int remove_listener(ashlar_failure_function* function, void* argument) {
  return remove(all_listeners.of_failure, function, argument);
}

int remove_listener(ashlar_pressure_function* function, void* argument) {
  return remove(all_listeners.of_pressure, function, argument);
}

bool Quiet::note(std::size_t size, std::size_t alignment) {
  auto* const quiet = reinterpret_cast<Quiet*>(innermost & ~kTells);
  if (quiet == nullptr) return false;
  quiet->size_ = size;
  quiet->alignment_ = alignment;
  return true;
}

void Quiet::tell() {
  if (alignment_ == 0) return;
  innermost = outer_;
  tell_failure(size_, alignment_);
  innermost = reinterpret_cast<std::uintptr_t>(this) | (outer_ & kTells);
}

void tell_failure(std::size_t size, std::size_t alignment) {
  if (!Quiet::note(size, alignment)) tell(all_listeners.of_failure, size, alignment);
}

void* out_of_memory(std::size_t size, std::size_t alignment) {
  tell_failure(size, alignment);
  errno = ENOMEM;
  return nullptr;
}

}  // namespace ashlar::api
