// page: requests from outside, see the header.
#include "page/request.h"

#include "base/hints.h"
#include "os/os.h"

namespace ashlar::page {

[[ASHLAR_SPARSE]] constinit Request request;
// in .data, on a page that the dynamic linker writes anyway: every miss looks here
[[gnu::section(".data")]] constinit Answering answering;

namespace {

[[ASHLAR_SELDOM_RUN]] bool change_state(RequestState from, RequestState to) {
  return answering.state.compare_exchange_strong(from, to, std::memory_order_acq_rel, std::memory_order_relaxed);
}

[[ASHLAR_SELDOM_RUN]] bool take() {
  return answering.answerer.load(std::memory_order_relaxed) != nullptr &&
         change_state(RequestState::kAsked, RequestState::kTaken);
}

// A command that waited for too long may have written another request meanwhile: it is not what was answered, and
// stays.
[[ASHLAR_SELDOM_RUN]] void answer() {
  const std::uint32_t taken = request.number;
  answering.answerer.load(std::memory_order_relaxed)(request);
  __atomic_store_n(&request.answered, taken, __ATOMIC_RELEASE);
  change_state(RequestState::kTaken, RequestState::kNone);
}

}  // namespace

[[ASHLAR_SELDOM_RUN]] void take_request() {
  if (!os::is_noted_process() || !take()) return;  // in a child of vfork, it is left to the parent
  if (os::single_threaded() || options.mmap_only != 0) return answer();
  if (!os::start_thread(answer)) change_state(RequestState::kTaken, RequestState::kNoThread);
}

[[ASHLAR_SELDOM_RUN]] void take_request_in_helper() {
  if (take()) answer();
}

[[ASHLAR_ALWAYS_RUN]] void set_answerer(void (*answer)(Request& request)) {
  answering.answerer.store(answer, std::memory_order_relaxed);
}

[[ASHLAR_SELDOM_RUN]] void forget_request() { answering.state.store(RequestState::kNone, std::memory_order_relaxed); }

}  // namespace ashlar::page
