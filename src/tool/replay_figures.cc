// tool: the figures of a replay, and their JSON.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "tool/replay_report.h"

namespace ashlar::tool {

namespace {

using nlohmann::ordered_json;
using replay::Latencies;
using replay::Outcome;
using replay::Sample;

struct NamedFigure {
  const char* name;
  Figure figure;
};
constexpr NamedFigure kFigures[] = {{"ns", [](const Outcome& o) { return o.ns; }},
                                    {"user_us", [](const Outcome& o) { return o.user_us; }},
                                    {"system_us", [](const Outcome& o) { return o.system_us; }},
                                    {"faults", [](const Outcome& o) { return o.faults; }},
                                    {"final_bytes", [](const Outcome& o) { return o.final_bytes; }},
                                    {"failed", [](const Outcome& o) { return o.failed; }},
                                    {"waits", [](const Outcome& o) { return o.waits; }}};

// Returns the mean of bytes(sample), each sample weighted by its duration.
template <class Bytes>
std::uint64_t mean_of(const Replay& replay, const ReplayRow& row, Bytes bytes) {
  double sum = 0, whole = 0;
  for (std::uint64_t i = 0; i + 1 < row.samples.count; ++i) {
    const Sample &sample = row.samples.all[i], &next = row.samples.all[i + 1];
    const auto weight = static_cast<double>(replay.as_recorded ? next.ns - sample.ns : next.number - sample.number);
    sum += weight * static_cast<double>(bytes(sample) + bytes(next)) / 2;
    whole += weight;
  }
  return whole > 0 ? static_cast<std::uint64_t>(sum / whole) : 0;
}

ordered_json json_of(const Spread& spread) {
  return {{"min", spread.min}, {"median", spread.median}, {"max", spread.max}};
}

ordered_json memory_of(const Replay& replay, const ReplayRow& row) {
  ordered_json points = ordered_json::array();
  for (std::uint64_t i = 0; i < row.samples.count; ++i) {
    const Sample& sample = row.samples.all[i];
    points.push_back({{"call", sample.number},
                      {"ns", sample.ns},
                      {"resident_bytes", sample.resident},
                      {"live_bytes", replay.planner.live_bytes_at(sample.number)}});
  }
  return points;
}

ordered_json latency_of(const Latencies& latencies) {
  ordered_json kinds = {{"clock_ns", latencies.clock_ns}};
  for (const auto& [name, kind] : kCallKinds) {
    const std::uint64_t calls = calls_of(latencies, kind);
    if (calls == 0) continue;
    ordered_json row = {{"calls", calls}};
    for (const Percentile& percentile : kPercentiles)
      row[percentile.name] = percentile_of(latencies, kind, percentile.part);
    row["max"] = latencies.max[static_cast<unsigned>(kind)];
    kinds[name] = row;
  }
  return kinds;
}

}  // namespace

Spread spread_of(const ReplayRow& row, Figure figure) {
  std::vector<std::uint64_t> values;
  for (const Outcome& outcome : row.outcomes) values.push_back(figure(outcome));
  std::sort(values.begin(), values.end());
  return {values.front(), values[values.size() / 2], values.back()};
}

Figure time_of(const Replay& replay) {
  if (replay.as_recorded) return [](const Outcome& o) { return (o.user_us + o.system_us) * 1000; };
  return [](const Outcome& o) { return o.ns; };
}

bool is_noisy(const Spread& time) { return (time.max - time.min) * 10 > time.median; }

std::uint64_t peak_of(const Outcome& outcome) { return outcome.peak_bytes; }

Spread peaks_of(const ReplayRow& row) {
  Spread peaks = spread_of(row, peak_of);
  for (std::uint64_t i = 0; i < row.samples.count; ++i)
    peaks.median = std::max(peaks.median, row.samples.all[i].resident);
  peaks.max = std::max(peaks.max, peaks.median);
  return peaks;
}

std::uint64_t mean_bytes(const Replay& replay, const ReplayRow& row) {
  return mean_of(replay, row, [](const Sample& sample) { return sample.resident; });
}

std::uint64_t mean_live_bytes(const Replay& replay, const ReplayRow& row) {
  return mean_of(replay, row, [&replay](const Sample& sample) { return replay.planner.live_bytes_at(sample.number); });
}

void add(Latencies& sum, const Latencies& more) {
  sum.clock_ns = sum.clock_ns == 0 ? more.clock_ns : std::min(sum.clock_ns, more.clock_ns);
  for (unsigned kind = 0; kind < static_cast<unsigned>(replay::CallKind::kCount); ++kind) {
    sum.max[kind] = std::max(sum.max[kind], more.max[kind]);
    for (std::uint64_t i = 0; i < replay::kBuckets; ++i) sum.counts[kind][i] += more.counts[kind][i];
  }
}

std::uint64_t calls_of(const Latencies& latencies, replay::CallKind kind) {
  std::uint64_t sum = 0;
  for (const std::uint64_t n : latencies.counts[static_cast<unsigned>(kind)]) sum += n;
  return sum;
}

std::uint64_t percentile_of(const Latencies& latencies, replay::CallKind kind, double part) {
  const auto k = static_cast<unsigned>(kind);
  const auto wanted = static_cast<std::uint64_t>(part * static_cast<double>(calls_of(latencies, kind)));
  std::uint64_t below = 0;
  for (std::uint64_t i = 0; i < replay::kBuckets; ++i) {
    below += latencies.counts[k][i];
    if (below > wanted) return std::min(replay::bucket_middle(i), latencies.max[k]);
  }
  return latencies.max[k];
}

ordered_json json_of(const Replay& replay) {
  const Planner& planner = replay.planner;
  ordered_json rows = ordered_json::array();
  for (const ReplayRow& row : replay.rows) {
    ordered_json out = {
        {"name", row.allocator.name}, {"library", row.allocator.library}, {"options", row.allocator.options}};
    for (const NamedFigure& named : kFigures) out[named.name] = json_of(spread_of(row, named.figure));
    out["peak_bytes"] = json_of(peaks_of(row));
    out["noisy"] = is_noisy(spread_of(row, time_of(replay)));
    out["mean_bytes"] = mean_bytes(replay, row);
    out["mean_live_bytes"] = mean_live_bytes(replay, row);
    out["memory"] = memory_of(replay, row);
    if (replay.latency) out["latency_ns"] = latency_of(row.latencies);
    rows.push_back(out);
  }
  return {{"calls", planner.calls()},
          {"threads", planner.threads()},
          {"peak_live_bytes", planner.peak_bytes()},
          {"final_live_bytes", planner.live_bytes()},
          {"recorded_ns", planner.duration_ns()},
          {"repeats", replay.repeats},
          {"touch", replay.touch},
          {"speed", replay.as_recorded ? "recorded" : "max"},
          {"allocators", rows}};
}

}  // namespace ashlar::tool
