// tool: what `ashlar replay` shows: a table, JSON, a page.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "tool/output.h"
#include "tool/replay_run.h"

namespace ashlar::tool {

// All runs of one allocator.
struct ReplayRow {
  Allocator allocator;
  std::vector<replay::Outcome> outcomes;
  replay::Samples samples = {};
  replay::Latencies latencies = {};
};

struct Replay {
  const Planner& planner;
  unsigned repeats;
  std::string touch;  // first, all, or recorded
  bool as_recorded, latency;
  std::vector<ReplayRow> rows;
};

using Figure = std::uint64_t (*)(const replay::Outcome&);

// One figure over all runs.
struct Spread {
  std::uint64_t min = 0, median = 0, max = 0;
};
Spread spread_of(const ReplayRow& row, Figure figure);

// Returns the figure that is compared: the time of all steps, or processor time if the time of the steps includes
// pauses.
Figure time_of(const Replay& replay);
// Returns whether runs of one allocator differ by more than a tenth, because the machine is busy.
bool is_noisy(const Spread& time);

std::uint64_t peak_of(const replay::Outcome& outcome);
// Returns the runs' peaks. The median is at least the largest sample of the run that the mean is from: runs differ by
// the kernel's reading of program files around a fault (64 KiB), which is much in a small trace.
Spread peaks_of(const ReplayRow& row);
// Return the mean over a run, weighted by calls, or by time if the pauses are as recorded.
std::uint64_t mean_bytes(const Replay& replay, const ReplayRow& row);
std::uint64_t mean_live_bytes(const Replay& replay, const ReplayRow& row);

// --- Latencies
struct NamedCallKind {
  const char* name;
  replay::CallKind kind;
};
inline constexpr NamedCallKind kCallKinds[] = {{"allocate", replay::CallKind::kAllocate},
                                               {"realloc", replay::CallKind::kResize},
                                               {"free", replay::CallKind::kFree}};
struct Percentile {
  const char* name;
  double part;
};
inline constexpr Percentile kPercentiles[] = {
    {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}};

void add(replay::Latencies& sum, const replay::Latencies& more);
std::uint64_t calls_of(const replay::Latencies& latencies, replay::CallKind kind);
// Returns nanoseconds, to a sixteenth.
std::uint64_t percentile_of(const replay::Latencies& latencies, replay::CallKind kind, double part);

nlohmann::ordered_json json_of(const Replay& replay);
void print(const Output& output, const Replay& replay);
std::string page_of(const Replay& replay, const std::string& name);

}  // namespace ashlar::tool
