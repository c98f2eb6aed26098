// page: reclaim. Which threads return pages to the OS, and when:
//   - kswapd, in a process that has threads of its own: what was free for longer than decay_ms, and what is too much;
//   - else the threads that call: what is too much after a free, what is old at a look at the clock now and then. No
//     call does more than a small step of it (Budget); what is left is the next call's;
//   - malloc_trim, and any thread when memory is short: all of it.
// How much is too much, and when a page is old, is what the zone has learned (feedback.h).
#include "page/reclaim.h"

#include "base/hints.h"
#include "page/cold.h"
#include "page/kswapd.h"
#include "page/limit.h"
#include "page/pcp.h"
#include "page/request.h"
#include "page/swap_area.h"

namespace ashlar::page {

constinit Signals signals;
constinit Reclaim reclaim;

namespace {

constexpr std::uint64_t kTickMs = 50;     // the least time between two looks for old blocks,
constexpr std::uint64_t kBusyTickMs = 1;  // or while more is old than a step took
constexpr PageCount kKswapdStart{256};    // dirty free pages that are worth a thread: 1 MiB
constexpr PageCount kKswapdLive{1024};    // or pages in use, which caches may hold or may become free: 4 MiB
constexpr PageCount kFarOver{1024};       // pages beyond a quarter above the watermark that kswapd is too slow for

// Down to which a zone is purged that has more dirty free pages than the high watermark.
PageCount low_watermark(PageCount high) { return high - high / 4; }

// True for one caller at a time from the moment on; the next one comes kTickMs later. Relaxed: which one of several
// does not matter. A moment that is too far away was noted before the clock went back, see Feedback::note_time.
[[ASHLAR_ALWAYS_RUN]] bool tick(std::atomic<std::uint64_t>& next_ms) {
  const std::uint64_t now = os::now_ms();
  std::uint64_t next = next_ms.load(std::memory_order_relaxed);
  return (now >= next || next - now > kMaxRefusedMs) &&
         next_ms.compare_exchange_strong(next, now + kTickMs, std::memory_order_relaxed);
}

}  // namespace

// After pages came back, under the lock.
[[ASHLAR_ALWAYS_RUN]] void Zone::note_shrinking(std::uint64_t now_ms) {
  const Use use{live(), dirty_free_};
  feedback_.note_time(now_ms);
  if (feedback_.note_freed(use, helped())) request_shrink();
  live_hint_.store(use.live.raw, std::memory_order_relaxed);
  dirty_hint_.store(use.dirty.raw, std::memory_order_relaxed);
  high_ = under_pressure(feedback_.may_stay(use.live, helped()));
  low_ = low_watermark(high_);
  const bool far = use.dirty > high_ + high_ / 4 + kFarOver;
  excess_.store(use.dirty <= high_ ? Excess::kNone : far ? Excess::kFar : Excess::kSome, std::memory_order_relaxed);
}

// Hints all of it: without the lock.
[[ASHLAR_ALWAYS_RUN]] void Zone::balance() {
  const Excess excess = excess_.load(std::memory_order_relaxed);
  if (helped()) {
    if (excess != Excess::kNone) urge_kswapd();
    else if (dirty_hint() > kKswapdIdle) rouse_kswapd();
    if (excess != Excess::kFar) return;
  }
  if (excess != Excess::kNone) signals.step_is_due.store(true, std::memory_order_relaxed);
}

[[ASHLAR_ALWAYS_RUN]] PageCount Zone::purge_excess(Budget& budget) {
  lock.lock();
  const PageCount high = under_pressure(feedback_.may_stay(live(), helped()));
  const bool over = dirty_free_ > high;
  lock.unlock();
  return over ? purge(low_watermark(high), AgeMs(), budget) : PageCount();
}

[[ASHLAR_OFTEN_RUN]] PageCount Zone::age() {
  Budget budget = Budget::helper();
  lock.lock();
  const Use use{live(), dirty_free_};
  feedback_.note_time(os::now_ms());
  if (feedback_.note_freed(use, true)) request_shrink();
  const AgeMs old_after = under_pressure(feedback_.old_after());
  lock.unlock();
  const PageCount pages = purge_excess(budget);
  return pages + purge(PageCount(), old_after, budget);
}

[[ASHLAR_OFTEN_RUN]] void Zone::leave_alone() {
  lock.lock();
  const Use use{live(), dirty_free_};
  if (feedback_.note_freed(use, false)) request_shrink();
  const PageCount high = under_pressure(feedback_.may_stay(use.live, false));
  lock.unlock();
  Budget budget = Budget::helper();
  if (use.dirty > high) purge(high, AgeMs(), budget);
}

[[ASHLAR_OFTEN_RUN]] PageCount purge_all(PageCount target) {
  const auto dirty_of = [](Zone & zone) __attribute__((always_inline)) {
    const Guard guard(zone.lock);
    return zone.dirty_free();
  };
  PageCount dirty, pages;
  for_zones([&](Zone & zone) __attribute__((always_inline)) { dirty += dirty_of(zone); });
  PageCount excess = dirty.above(target);
  for_zones([&](Zone & zone) __attribute__((always_inline)) {
    const PageCount gone = zone.purge(dirty_of(zone).above(excess), AgeMs());
    excess = excess.above(gone);
    pages += gone;
  });
  return pages;
}

[[ASHLAR_OFTEN_RUN]] Use use_hint() {
  Use use{PageCount(reclaim.pages_outside.load(std::memory_order_relaxed)), {}};
  for_zones([&](const Zone& zone) __attribute__((always_inline)) {
    use.live += zone.live_hint();
    use.dirty += zone.dirty_hint();
  });
  return use;
}

[[ASHLAR_ALWAYS_RUN]] PageCount live_hint() {
  PageCount live;
  for_zones([&](const Zone& zone) __attribute__((always_inline)) { live += zone.live_hint(); });
  return live;
}

[[ASHLAR_OFTEN_RUN]] bool far_below_peak() {
  PageCount peak;
  for_zones([&](const Zone& zone) __attribute__((always_inline)) { peak += zone.max_live_hint(); });
  return live_hint() < peak / 2;
}

[[ASHLAR_ALWAYS_RUN]] void request_shrink() {
  signals.shrink_epoch.fetch_add(1, std::memory_order_relaxed);  // a hint: publishes nothing
}

[[ASHLAR_OFTEN_RUN]] void note_cached() {
  if (helped()) rouse_kswapd();
}

[[ASHLAR_OFTEN_RUN]] bool reclaim_all() {
  request_shrink();
  pcp_drain();
  PageCount pages;
  for_all_zones([&](Zone & zone) __attribute__((always_inline)) { pages += zone.purge(PageCount(), AgeMs()); });
  return pages.raw > 0;
}

// Acquire: pairs with the release in choose_purge.
[[ASHLAR_ALWAYS_RUN]] bool purged_is_zero() {
  return options.purge.acquire() == PurgeMode::kDontNeed && !reclaim.purged_lazily.load(std::memory_order_relaxed);
}

[[ASHLAR_SELDOM_RUN]] void choose_purge(PurgeMode mode) {
  if (options.purge == PurgeMode::kFree) reclaim.purged_lazily.store(true, std::memory_order_relaxed);
  options.purge.publish(mode);
}

[[ASHLAR_ALWAYS_RUN]] void reclaim_step() {
  signals.step_is_due.store(false, std::memory_order_relaxed);
  Budget budget = Budget::step();
  for_all_zones([&](Zone & zone) __attribute__((always_inline)) { zone.purge_excess(budget); });
  if (budget.spent()) signals.step_is_due.store(true, std::memory_order_relaxed);
}

[[ASHLAR_ALWAYS_RUN]] bool reclaim_tick() {
  if (helped() || !tick(reclaim.next_tick_ms)) return false;
  PageCount dirty;
  for_zones([&](const Zone& zone) __attribute__((always_inline)) { dirty += zone.dirty_hint(); });
  if (worth_a_look(dirty) && look_at_pressure(use_hint())) {  // as much as one call should do
    reclaim.next_tick_ms.store(os::now_ms() + kBusyTickMs, std::memory_order_relaxed);
    return true;
  }
  pcp_age();
  if (signals.cold_is_noted.load(std::memory_order_relaxed)) advise_cold_runs();
  Budget budget = Budget::step();
  for_all_zones([&](Zone & zone) __attribute__((always_inline)) { zone.purge(PageCount(), zone.old_after(), budget); });
  if (budget.spent()) reclaim.next_tick_ms.store(os::now_ms() + kBusyTickMs, std::memory_order_relaxed);
  return true;
}

[[ASHLAR_OFTEN_RUN]] bool has_helper() { return helped(); }

[[ASHLAR_ALWAYS_RUN]] void note_threads(std::size_t n) {
  reclaim.threads.store(n, std::memory_order_relaxed);
  if (n > 1 || !os::single_threaded()) os::note_process_in_thread();  // before any helper starts
  if (n < 2) dismiss_kswapd();
}

[[ASHLAR_ALWAYS_RUN]] bool threaded() { return reclaim.threads.load(std::memory_order_relaxed) > 1; }

[[ASHLAR_SELDOM_RUN]] void watch_pressure(void (*look)()) {
  signals.look_at_pressure.store(look, std::memory_order_relaxed);
}

[[ASHLAR_ALWAYS_RUN]] void wake_kswapd_if_due() {
  if (auto* const look = signals.look_at_pressure.load(std::memory_order_relaxed)) [[unlikely]]
    look();
  if (options.kswapd == 0 || !threaded() || helped()) return;
  PageCount dirty, live;
  for_zones([&](const Zone& zone) __attribute__((always_inline)) {
    dirty += zone.dirty_hint();
    live += zone.live_hint();
  });
  const bool may_be_cold = signals.cold_is_noted.load(std::memory_order_relaxed) && options.cold != Cold::kOff;
  if (dirty < kKswapdStart && live < kKswapdLive && !may_be_cold) return;
  if (!tick(reclaim.next_wake_ms)) return;
  if (const std::uint64_t pause = start_kswapd(); pause != 0)
    reclaim.next_wake_ms.store(os::now_ms() + pause, std::memory_order_relaxed);
}

[[ASHLAR_OFTEN_RUN]] bool release_reservation() {
  bool any = false;
  for_zones([&](Zone & zone) __attribute__((always_inline)) {
    const Guard guard(zone.growth);
    any |= zone.has_reservation();
    zone.release_reservation();
  });
  return any;
}

[[ASHLAR_OFTEN_RUN]] void lock_for_fork() {
  lock_pcp_for_fork();
  lock_swap_for_fork();
  for_all_zones([](Zone& zone) ASHLAR_NO_THREAD_SAFETY_ANALYSIS { zone.growth.lock_beside_same_rank(); });
  for_all_zones([](Zone& zone) ASHLAR_NO_THREAD_SAFETY_ANALYSIS { zone.lock.lock_beside_same_rank(); });
  lock_arenas_for_fork();
  lock_metadata_for_fork();
}

[[ASHLAR_OFTEN_RUN]] void unlock_in_parent() {
  unlock_metadata_in_parent();
  unlock_arenas_in_parent();
  for_all_zones([](Zone& zone) ASHLAR_NO_THREAD_SAFETY_ANALYSIS { zone.lock.unlock(); });
  for_all_zones([](Zone& zone) ASHLAR_NO_THREAD_SAFETY_ANALYSIS { zone.growth.unlock(); });
  unlock_swap_in_parent();
  unlock_pcp_in_parent();
}

[[ASHLAR_OFTEN_RUN]] void reset_in_child() {
  reset_pcp_in_child();
  reset_metadata_in_child();
  reset_arenas_in_child();
  reset_nodes_in_child();
  reset_swap_in_child();
  for_all_zones([](Zone & zone) __attribute__((always_inline)) {
    zone.growth.reset();
    zone.lock.reset();
  });
  for_all_zones([](Zone & zone) __attribute__((always_inline)) {
    const Guard guard(zone.lock);
    zone.take_back_isolated();
  });
  // what the system refused its parent it may grant the child
  if (kswapd.refusals.load(std::memory_order_relaxed) != 0) reclaim.next_wake_ms.store(0, std::memory_order_relaxed);
  forget_kswapd();
  forget_request();
  forget_limit();
}

}  // namespace ashlar::page
