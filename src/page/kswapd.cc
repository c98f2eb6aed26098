// page: kswapd, see the header.
#include "page/kswapd.h"

#include <algorithm>

#include "base/hints.h"
#include "os/wait.h"
#include "page/cold.h"
#include "page/limit.h"
#include "page/pcp.h"
#include "page/reclaim.h"
#include "page/request.h"
#include "page/swap_area.h"

namespace ashlar::page {

constinit Kswapd kswapd;

namespace {

// A thread has the name of the one that starts it until it gets its own.
constexpr char kName[os::kThreadName] = "ashlar-kswapd";
constexpr std::uint64_t kMinPauseMs = 50;
constexpr std::uint64_t kMaxWaitMs = 500;  // for its end

void wake_from(std::uint32_t expected, std::uint32_t to) {
  if (kswapd.word.compare_exchange_strong(expected, to, std::memory_order_acq_rel, std::memory_order_relaxed)) {
    os::wake_all(kswapd.word);
  }
}

struct Work {
  PageCount purged;
  bool more = false;  // pages or magazines are left that become old by and by
};

bool within_gate(Kswapd::Work work) {
  const auto gate = kswapd.gate.load(std::memory_order_acquire);  // pairs with the release in set_helper_gate
  return gate != nullptr ? gate(work) : work();
}

// Takes out of their lists what was not used for a while. True if something is left.
bool empty_lists() {
  bool more = false;
  for (auto& reaper : kswapd.reapers) {
    // acquire: pairs with the release in register_reaper
    if (auto* const reap = reaper.load(std::memory_order_acquire)) more |= reap();
  }
  if (signals.pressure.load(std::memory_order_relaxed) == os::Pressure::kHigh) pcp_drain();
  return pcp_age() || more;
}

// A round over all zones. What a zone purges is whole for a fork at any time (take_back_isolated).
Work work() {
  Work done;
  if (request_waits()) take_request_in_helper();
  if (const Use use = use_hint(); worth_a_look(use.dirty)) look_at_pressure(use);
  done.more = within_gate(empty_lists);
  if (signals.cold_is_noted.load(std::memory_order_relaxed)) done.more |= advise_cold_runs();
  for_all_zones([&](Zone& zone) {
    done.purged += zone.age();
    done.more |= zone.dirty_hint() > kKswapdIdle && zone.has_purgeable();
  });
  return done;
}

// Sleeps as long as the word is `state`. A futex that the system refuses must not make it spin.
void sleep_in(std::uint32_t state, std::uint64_t ms) {
  const std::uint64_t before = os::now_ms();
  os::wait_while(kswapd.word, state, ms);
  if (kswapd.word.load(std::memory_order_relaxed) == state && os::now_ms() == before) os::sleep_ms(kMinPauseMs);
}

void rest(const Work& done) {
  if (!done.more) return sleep_in(Kswapd::kAsleep, os::kForever);
  std::uint32_t state = Kswapd::kAsleep;
  kswapd.word.compare_exchange_strong(state, Kswapd::kBusy, std::memory_order_acq_rel);
  // what cannot be purged must not have it called again and again
  if (state == Kswapd::kUrged && done.purged.raw == 0) return sleep_in(Kswapd::kUrged, kMinPauseMs);
  const std::uint64_t quarter = options.decay_ms / 4;
  sleep_in(Kswapd::kBusy, quarter < kMinPauseMs ? kMinPauseMs : quarter);
}

[[gnu::cold]] void run_kswapd() {
  kswapd.number.store(os::thread_number(), std::memory_order_release);
  os::set_thread_name(kName);
  // kAsleep before it looks: what is freed from now on rouses it, though it may be seen by this round already
  while (kswapd.word.exchange(Kswapd::kAsleep, std::memory_order_acq_rel) != Kswapd::kDismissed && threaded())
    rest(work());
  // a single thread may keep less, and no helper purges what is above that
  within_gate([] {
    pcp_drain();
    return false;
  });
  for_all_zones([](Zone& zone) { zone.leave_alone(); });
  kswapd.runs.store(false, std::memory_order_release);
}

std::uint64_t pause_after(std::uint32_t refusals) {
  std::uint64_t ms = std::clamp(std::uint64_t{options.decay_ms}, kMinPauseMs, kMaxRefusedMs);
  for (; refusals > 1 && ms < kMaxRefusedMs; --refusals) ms *= 2;
  return std::min(ms, kMaxRefusedMs);
}

}  // namespace

void rouse_kswapd() {
  if (kswapd.word.load(std::memory_order_relaxed) == Kswapd::kAsleep) wake_from(Kswapd::kAsleep, Kswapd::kBusy);
}

void urge_kswapd() {
  const std::uint32_t before = kswapd.word.load(std::memory_order_relaxed);
  if (before == Kswapd::kAsleep || before == Kswapd::kBusy) wake_from(before, Kswapd::kUrged);
}

std::uint64_t start_kswapd() {
  // A child of vfork(2) or of clone(2) with CLONE_VM has this memory. The thread would be the child's: it would end
  // when that runs another program, and else keep it from ending.
  if (!os::is_known_process()) return 0;
  bool expected = false;
  if (!kswapd.runs.compare_exchange_strong(expected, true, std::memory_order_acquire, std::memory_order_relaxed))
    return 0;
  kswapd.number.store(0, std::memory_order_relaxed);
  kswapd.word.store(Kswapd::kBusy, std::memory_order_relaxed);  // pthread_create publishes both
  if (os::start_thread(run_kswapd)) {
    kswapd.refusals.store(0, std::memory_order_relaxed);
    return 0;
  }
  kswapd.runs.store(false, std::memory_order_relaxed);
  return pause_after(kswapd.refusals.fetch_add(1, std::memory_order_relaxed) + 1);
}

[[ASHLAR_ALWAYS_RUN]] void dismiss_kswapd() {
  if (!helped()) return;
  kswapd.word.store(Kswapd::kDismissed, std::memory_order_release);
  os::wake_all(kswapd.word);
}

void await_kswapd_end() {
  if (!helped() && kswapd.number.load(std::memory_order_acquire) == 0) return;
  const std::uint64_t start = os::now_ms();
  while (!threaded() && os::now_ms() - start < kMaxWaitMs) {
    if (!helped() && !os::thread_exists(kswapd.number.load(std::memory_order_acquire))) {
      kswapd.number.store(0, std::memory_order_relaxed);
      return;
    }
    os::pause();
  }
}

void forget_kswapd() {
  kswapd.runs.store(false, std::memory_order_relaxed);  // no other thread exists yet
  kswapd.number.store(0, std::memory_order_relaxed);
  kswapd.refusals.store(0, std::memory_order_relaxed);
}

// release: pairs with the acquire in within_gate
[[ASHLAR_ALWAYS_RUN]] void set_helper_gate(bool (*within)(bool (*work)())) {
  kswapd.gate.store(within, std::memory_order_release);
}

[[ASHLAR_ALWAYS_RUN]] void register_reaper(bool (*reap)()) {
  for (auto& slot : kswapd.reapers) {
    bool (*expected)() = nullptr;
    // release: pairs with the acquire in work
    if (slot.compare_exchange_strong(expected, reap, std::memory_order_release, std::memory_order_relaxed) ||
        expected == reap) {
      return;
    }
  }
}

}  // namespace ashlar::page
