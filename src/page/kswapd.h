// page, private: kswapd, the thread that purges by age while a process has threads of its own.
//
// It exists only beside other threads, and sleeps on a futex: without a time-out when there is nothing to do, so that
// an idle process is never woken; for a quarter of decay_ms while pages wait to become old. A free wakes it by the
// futex alone, which takes no lock of glibc's (frees come with glibc's lock of thread stacks held).
#pragma once

#include <atomic>
#include <cstdint>

namespace ashlar::page {

struct Kswapd {
  using Work = bool (*)();

  // What it sleeps on. A waker changes the word before it wakes, so that no wake-up is lost.
  enum Word : std::uint32_t {
    kBusy,    // works, or sleeps for a while; a free changes nothing
    kAsleep,  // sleeps until it is roused, or is about to
    kUrged,   // to start at once
    kDismissed
  };

  // Release at its end, acquire where the next one is started: that sees what this one did.
  std::atomic<bool> runs{false};
  std::atomic<std::uint32_t> word{kBusy};
  // How often in a row the system refused the thread. Relaxed: a hint.
  std::atomic<std::uint32_t> refusals{0};
  // The kernel's number of the thread, 0 before it runs. Release, acquire with runs.
  std::atomic<std::uint32_t> number{0};
  // What it calls, and within what; null: nothing. Release where they are set, acquire where they are called.
  std::atomic<Work> reapers[4] = {};
  std::atomic<bool (*)(Work)> gate{nullptr};
};
extern Kswapd kswapd;

// A hint, relaxed: which of two rules a zone follows.
[[gnu::always_inline]] inline bool helped() { return kswapd.runs.load(std::memory_order_relaxed); }

// There may be something to do: wakes it if it sleeps without a time-out.
void rouse_kswapd();

// There is too much: wakes it however it sleeps.
void urge_kswapd();

// The longest pause after the system refused it: a refused start maps a stack and makes some ten system calls.
inline constexpr std::uint64_t kMaxRefusedMs = 8000;

// Starts it, if it does not run. Where the system refuses the thread, returns for how many milliseconds it is not to be
// asked again: one decay time, and twice as many after each further refusal. Else returns 0.
std::uint64_t start_kswapd();

// Tells it that the process has but one thread left.
void dismiss_kswapd();

// In the child of a fork: it does not run.
void forget_kswapd();

}  // namespace ashlar::page
