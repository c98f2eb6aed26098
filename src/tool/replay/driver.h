// tool: declarations that the parts of ashlar-replay share.
#pragma once

#include <pthread.h>

#include "tool/replay/plan.h"

namespace ashlar::replay {

inline constexpr std::uint64_t kEnded = UINT64_MAX;
inline constexpr std::uint64_t kPage = 4096;

// A running thread's state, on cache lines of its own.
struct alignas(128) Runner {
  std::uint64_t progress;  // the number of the call at its last mark; atomic
  const Step* steps;
  const PlanThread* plan;
  Latencies* latencies;
  pthread_t thread;
  std::uint64_t failed, waits;
  std::uint64_t used;  // bytes of the next block to write to, if has_used
  bool has_used;
};

struct Driver {
  PlanHeader plan;
  bool touch_first, as_recorded, memory, latency, lines;
  std::uint64_t* slots;  // atomic
  Runner* runners;
  std::uint64_t start_ns;
  Samples* samples;
  alignas(128) std::uint64_t reached;  // a lower bound of all threads' progress; atomic
};
extern Driver driver;

[[noreturn]] void fail(const char* what);
// Maps memory that is resident at once.
void* map(std::uint64_t bytes);
std::uint64_t now_ns();

// Takes all steps of a Runner.
void* run(void* runner);
// Returns the smallest progress of all threads.
std::uint64_t min_progress();

void prepare_measuring();
void sample_memory(std::uint64_t number);
Outcome measure(void (*work)());
// Adds the latencies of all threads to `sum`.
void add_latencies(Latencies& sum);

}  // namespace ashlar::replay
