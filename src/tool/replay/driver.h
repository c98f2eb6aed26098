// tool: what the parts of ashlar-replay share.
#pragma once

#include <pthread.h>

#include "tool/replay/plan.h"

namespace ashlar::replay {

inline constexpr std::uint64_t kEnded = UINT64_MAX;
inline constexpr std::uint64_t kPage = 4096;

// A thread that runs, on lines of its own.
struct alignas(128) Runner {
  std::uint64_t progress;  // the number of the call at its last mark; atomic
  const Step* steps;
  const PlanThread* plan;
  Latencies* latencies;
  pthread_t thread;
  std::uint64_t failed, waits;
  std::uint64_t used;  // what the next block is written to, if has_used
  bool has_used;
};

struct Driver {
  PlanHeader plan;
  bool touch_first, as_recorded, memory, latency, lines;
  std::uint64_t* slots;  // atomic
  Runner* runners;
  std::uint64_t start_ns;
  Samples* samples;
  alignas(128) std::uint64_t reached;  // by all threads, at the least; atomic
};
extern Driver driver;

[[noreturn]] void fail(const char* what);
// Memory that is resident.
void* map(std::uint64_t bytes);
std::uint64_t now_ns();

// Takes all steps of a Runner.
void* run(void* runner);
// How far the last of all threads is.
std::uint64_t least_progress();

void prepare_measuring();
void sample_memory(std::uint64_t number);
Outcome measure(void (*work)());
// The sum of all threads'.
void add_latencies(Latencies& sum);

}  // namespace ashlar::replay
