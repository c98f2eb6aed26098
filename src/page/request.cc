// page: requests from outside, see the header.
#include "page/request.h"

#include "base/hints.h"
#include "os/os.h"

namespace ashlar::page {

[[ASHLAR_SPARSE]] constinit Request request;
// in .data, on a page that the dynamic linker writes anyway: every miss looks here
[[gnu::section(".data")]] constinit std::atomic<RequestState> request_state{RequestState::kNone};

namespace {

// Relaxed: set before main, by the thread that loads the library.
[[gnu::section(".data")]] constinit std::atomic<void (*)(Request&)> answerer{nullptr};

[[ASHLAR_SELDOM_RUN]] bool take() {
  RequestState expected = RequestState::kAsked;
  return answerer.load(std::memory_order_relaxed) != nullptr &&
         request_state.compare_exchange_strong(expected, RequestState::kTaken, std::memory_order_acquire,
                                               std::memory_order_relaxed);
}

[[ASHLAR_SELDOM_RUN]] void answer() {
  answerer.load(std::memory_order_relaxed)(request);
  __atomic_store_n(&request.answered, request.number, __ATOMIC_RELEASE);
  request_state.store(RequestState::kNone, std::memory_order_release);
}

}  // namespace

[[ASHLAR_SELDOM_RUN]] void take_request() {
  if (!take()) return;
  if (os::single_threaded() || options.mmap_only != 0) return answer();
  if (!os::start_thread(answer)) request_state.store(RequestState::kNoThread, std::memory_order_relaxed);
}

[[ASHLAR_SELDOM_RUN]] void take_request_in_helper() {
  if (take()) answer();
}

void set_answerer(void (*answer)(Request& request)) { answerer.store(answer, std::memory_order_relaxed); }

[[ASHLAR_SELDOM_RUN]] void forget_request() { request_state.store(RequestState::kNone, std::memory_order_relaxed); }

}  // namespace ashlar::page
