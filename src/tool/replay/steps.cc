// tool: ashlar-replay: the steps of a thread, and waiting for others.
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tool/replay/driver.h"

namespace ashlar::replay {

namespace {

// Spins at first, as the awaited thread may be running; then yields the processor, and at last sleeps.
void pause_for(unsigned turn, unsigned sleep_us) {
  constexpr unsigned kTurnsPerYield = 64, kYields = 16;
  if (turn >= kTurnsPerYield * kYields) usleep(sleep_us);
  else if (turn % kTurnsPerYield == kTurnsPerYield - 1) sched_yield();
}

// Returns a lower bound of all threads' progress. Progress only grows, so a bound that was found once stays valid.
std::uint64_t find_reached(std::uint64_t enough) {
  std::uint64_t before = __atomic_load_n(&driver.reached, __ATOMIC_ACQUIRE);
  if (before >= enough) return before;
  const std::uint64_t min = min_progress();
  while (before < min &&
         !__atomic_compare_exchange_n(&driver.reached, &before, min, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
  }
  return min;
}

// Returns microseconds to sleep: a part of the minimum time that this many calls take. So hundreds of waiting threads
// do not slow down the thread that they wait for.
unsigned sleep_for(std::uint64_t calls) {
  constexpr std::uint64_t kCallsPerMicrosecond = 100, kMinUs = 20, kMaxUs = 5000;
  const std::uint64_t us = calls / kCallsPerMicrosecond;
  return static_cast<unsigned>(us < kMinUs ? kMinUs : us > kMaxUs ? kMaxUs : us);
}

void wait_for_others(Runner& own, std::uint64_t number) {
  if (number <= kWindow || find_reached(number - kWindow) >= number - kWindow) return;
  ++own.waits;
  for (unsigned turn = 0;; ++turn) {
    const std::uint64_t reached = find_reached(number - kWindow);
    if (reached >= number - kWindow) return;
    const std::uint64_t left = number - kWindow - reached;
    pause_for(left > kWindow ? UINT32_MAX : turn, sleep_for(left));
  }
}

void wait_until(std::uint64_t ns) {
  const struct timespec when = {static_cast<time_t>(ns / 1000000000u), static_cast<long>(ns % 1000000000u)};
  while (now_ns() < ns && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, nullptr) == EINTR) {
  }
}

void reach(Runner& own, const Step& mark) {
  const bool has_others = driver.plan.threads > 1;
  if (has_others) __atomic_store_n(&own.progress, mark.size, __ATOMIC_RELEASE);
  if (driver.as_recorded) {
    if (driver.memory) sample_memory(mark.size);
    wait_until(driver.start_ns + time_of(mark));
  }
  if (has_others) wait_for_others(own, mark.size);
  if (driver.memory) sample_memory(mark.size);
}

// Waits until the step that sets the block's tag is done, and returns the block.
void* take(Runner& own, const Step& step) {
  const std::uint64_t* const slot = &driver.slots[step.slot];
  std::uint64_t value = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
  if (static_cast<std::uint16_t>(value) != step.tag) {
    ++own.waits;
    for (unsigned turn = 0; static_cast<std::uint16_t>(value) != step.tag; ++turn) {
      pause_for(turn, 20);
      value = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
    }
  }
  return reinterpret_cast<void*>(value >> kTagBits);
}

void put(const Step& step, std::uint16_t tag, void* block) {
  const std::uint64_t value = reinterpret_cast<std::uintptr_t>(block) << kTagBits | tag;
  __atomic_store_n(&driver.slots[step.slot], value, __ATOMIC_RELEASE);
}

void touch_new(void* block, std::uint64_t size) {
  if (size == 0) return;
  if (!driver.touch_first) memset(block, 1, size);
  else *static_cast<volatile char*>(block) = 1;
}

// Touches each page and no more, as the old part of the block is resident already.
void touch_resized(void* block, std::uint64_t size) {
  volatile char* const bytes = static_cast<volatile char*>(block);
  if (size == 0) return;
  bytes[0] = 1;
  if (driver.touch_first) return;
  for (std::uint64_t i = kPage; i < size; i += kPage) bytes[i] = 1;
  bytes[size - 1] = 1;
}

// Returns how many bytes to write of the block that a step makes or resizes.
std::uint64_t used_bytes(Runner& own, const Step& step) {
  if (!own.has_used) return step.size;
  own.has_used = false;
  return own.used < step.size ? own.used : step.size;
}

// Makes a call, and measures its latency if kTimed.
template <bool kTimed, class Call>
void* timed(Runner& own, CallKind kind, Call call) {
  if constexpr (!kTimed) return call();
  const std::uint64_t start = now_ns();
  void* const result = call();
  const std::uint64_t ns = now_ns() - start;
  const auto k = static_cast<unsigned>(kind);
  ++own.latencies->counts[k][bucket_of(ns)];
  if (ns > own.latencies->max[k]) own.latencies->max[k] = ns;
  return result;
}

template <bool kTimed, class Call>
void make(Runner& own, const Step& step, Call call) {
  void* const block = timed<kTimed>(own, CallKind::kAllocate, call);
  const std::uint64_t used = used_bytes(own, step);
  if (block == nullptr) ++own.failed;
  else touch_new(block, used);
  put(step, step.tag, block);
}

template <bool kTimed>
void resize(Runner& own, const Step& step) {
  void* const before = take(own, step);
  void* const now = timed<kTimed>(own, CallKind::kResize, [=, &step] { return realloc(before, step.size); });
  const std::uint64_t used = used_bytes(own, step);
  if (now == nullptr) ++own.failed;
  else touch_resized(now, used);
  put(step, static_cast<std::uint16_t>(step.tag + 1), now != nullptr ? now : before);
}

template <bool kTimed>
void end(Runner& own, const Step& step) {
  void* const block = take(own, step);
  timed<kTimed>(own, CallKind::kFree, [=]() -> void* { return free(block), nullptr; });
}

template <bool kTimed>
void run_steps(Runner& own) {
  const Step* step = own.steps;
  for (const Step* const last = step + own.plan->steps; step != last; ++step) {
    const std::uint64_t size = step->size;
    switch (step->kind) {
      case StepKind::kMalloc: make<kTimed>(own, *step, [=] { return malloc(size); }); break;
      case StepKind::kCalloc: make<kTimed>(own, *step, [=] { return calloc(1, size); }); break;
      case StepKind::kAligned: {
        const size_t alignment = size_t{1} << step->alignment;
        make<kTimed>(own, *step, [=] { return aligned_alloc(alignment, size); });
        break;
      }
      case StepKind::kRealloc: resize<kTimed>(own, *step); break;
      case StepKind::kFree: end<kTimed>(own, *step); break;
      case StepKind::kMark: reach(own, *step); break;
      case StepKind::kTouch:
        own.used = size;
        own.has_used = true;
        break;
    }
  }
}

}  // namespace

std::uint64_t min_progress() {
  std::uint64_t min = kEnded;
  for (std::uint64_t i = 0; i < driver.plan.threads; ++i) {
    const std::uint64_t progress = __atomic_load_n(&driver.runners[i].progress, __ATOMIC_ACQUIRE);
    if (progress < min) min = progress;
  }
  return min;
}

void* run(void* runner) {
  Runner& own = *static_cast<Runner*>(runner);
  if (driver.latency) run_steps<true>(own);
  else run_steps<false>(own);
  __atomic_store_n(&own.progress, kEnded, __ATOMIC_RELEASE);
  return nullptr;
}

}  // namespace ashlar::replay
