// tool: the tables of a replay.
#include <fmt/format.h>

#include "tool/replay_report.h"

namespace ashlar::tool {

namespace {

using replay::Outcome;

std::string ms(std::uint64_t ns) { return fmt::format("{:.1f}", static_cast<double>(ns) / 1e6); }

std::string ratio(std::uint64_t value, std::uint64_t to) {
  return to == 0 ? "-" : fmt::format("{:.2f}", static_cast<double>(value) / static_cast<double>(to));
}

void print_head(const Output& output, const Replay& replay) {
  const Planner& planner = replay.planner;
  output.print(
      fmt::format("{} calls by {} {}; live at the peak {}, at the end {}; {} {} of each\n", planner.calls(),
                  planner.threads(), planner.threads() == 1 ? "thread" : "threads", human_bytes(planner.peak_bytes()),
                  human_bytes(planner.live_bytes()), replay.repeats, replay.repeats == 1 ? "run" : "runs"),
      Style::kBold);
}

void print_rows(const Output& output, const Replay& replay) {
  const Figure time_figure = time_of(replay);
  Table table({{"allocator", Table::Align::kLeft},
               {replay.as_recorded ? "CPU ms" : "ms"},
               {"ratio"},
               {"ns a call"},
               {"peak RSS"},
               {"mean RSS"},
               {"of live"},
               {"final RSS"},
               {"faults"},
               {"", Table::Align::kLeft}});
  const std::uint64_t first = spread_of(replay.rows.front(), time_figure).median;
  for (const ReplayRow& row : replay.rows) {
    const Spread time = spread_of(row, time_figure);
    const std::uint64_t mean = mean_bytes(replay, row);
    table.add({row.allocator.name, ms(time.median), ratio(time.median, first),
               fmt::format("{:.1f}", static_cast<double>(time.median) / static_cast<double>(replay.planner.calls())),
               human_bytes(peaks_of(row).median), human_bytes(mean), ratio(mean, mean_live_bytes(replay, row)),
               human_bytes(spread_of(row, [](const Outcome& o) { return o.final_bytes; }).median),
               std::to_string(spread_of(row, [](const Outcome& o) { return o.faults; }).median),
               is_noisy(time) ? fmt::format("noisy: {} to {} ms", ms(time.min), ms(time.max)) : ""});
  }
  table.print(output);
}

void print_latencies(const Output& output, const Replay& replay) {
  output.print("\nLatency in nanoseconds\n", Style::kBold);
  std::vector<Table::Column> columns = {{"call", Table::Align::kLeft}, {"allocator", Table::Align::kLeft}};
  for (const Percentile& percentile : kPercentiles) columns.push_back({percentile.name});
  columns.push_back({"most"});
  Table table(columns);
  std::uint64_t clock_ns = 0;
  for (const auto& [name, kind] : kCallKinds) {
    for (const ReplayRow& row : replay.rows) {
      if (calls_of(row.latencies, kind) == 0) continue;
      std::vector<std::string> cells = {name, row.allocator.name};
      for (const Percentile& percentile : kPercentiles)
        cells.push_back(std::to_string(percentile_of(row.latencies, kind, percentile.part)));
      cells.push_back(std::to_string(row.latencies.max[static_cast<unsigned>(kind)]));
      table.add(cells);
      clock_ns = row.latencies.clock_ns;
    }
  }
  table.print(output);
  output.print(fmt::format("From separate runs. Each figure includes a reading of the clock, about {} ns.\n", clock_ns),
               Style::kDim);
}

}  // namespace

void print(const Output& output, const Replay& replay) {
  print_head(output, replay);
  print_rows(output, replay);
  output.print(
      "Medians. The ratio is that of the time to the first row's. Resident memory counts from before the first call.\n"
      "Its mean is from an additional run, whose largest sample counts as the peak if it is above the median.\n"
      "The mean is also shown as a multiple of the mean of live bytes.\n",
      Style::kDim);
  if (replay.latency) print_latencies(output, replay);
  for (const ReplayRow& row : replay.rows) {
    if (const std::uint64_t failed = spread_of(row, [](const Outcome& o) { return o.failed; }).max; failed != 0)
      output.print(fmt::format("{}: {} allocations failed that did not when the trace was recorded\n",
                               row.allocator.name, failed));
  }
}

}  // namespace ashlar::tool
