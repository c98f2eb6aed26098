// page, private: kswapd, the thread that purges by age while a process has threads of its own.
//
// It exists only beside other threads, and sleeps on a futex: without a time-out when there is nothing to do, so that
// an idle process is never woken; for a quarter of decay_ms while pages wait to become old. A free wakes it by the
// futex alone, which takes no lock of glibc's (frees come with glibc's lock of thread stacks held).
#pragma once

#include <atomic>

namespace ashlar::page {

// A hint, relaxed: which of two rules a zone follows.
extern std::atomic<bool> kswapd_runs;
inline bool helped() { return kswapd_runs.load(std::memory_order_relaxed); }

// There may be something to do: wakes it if it sleeps without a time-out.
void rouse_kswapd();

// There is too much: wakes it however it sleeps.
void urge_kswapd();

// Starts it, if it does not run.
void start_kswapd();

// Tells it that the process has but one thread left.
void dismiss_kswapd();

// In the child of a fork: it does not run.
void forget_kswapd();

}  // namespace ashlar::page
