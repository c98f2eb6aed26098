// tool: `ashlar replay`: runs what a trace holds under several allocators, and compares time and memory.
#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tool/command.h"
#include "tool/error.h"
#include "tool/output.h"
#include "tool/replay_plan.h"
#include "tool/replay_run.h"

namespace ashlar::tool {

namespace {

using nlohmann::ordered_json;
using replay::Outcome;

struct Settings {
  std::string file;
  std::vector<std::string> allocators;
  unsigned repeats = 5;
  std::string touch = "all";
  Output output;
};

struct Runs {
  Allocator allocator;
  std::vector<Outcome> outcomes;
};

// Of one figure of all runs.
struct Spread {
  std::uint64_t least = 0, median = 0, most = 0;
};

Spread spread_of(const Runs& runs, std::uint64_t Outcome::*figure) {
  std::vector<std::uint64_t> values;
  for (const Outcome& outcome : runs.outcomes) values.push_back(outcome.*figure);
  std::sort(values.begin(), values.end());
  return {values.front(), values[values.size() / 2], values.back()};
}

// Runs of one allocator differ by more than a tenth: the machine is busy.
bool is_noisy(const Spread& time) { return (time.most - time.least) * 10 > time.median; }

ordered_json json_of(const Spread& spread) {
  return {{"min", spread.least}, {"median", spread.median}, {"max", spread.most}};
}

struct Figure {
  const char* name;
  std::uint64_t Outcome::*member;
};
constexpr Figure kFigures[] = {{"ns", &Outcome::ns},
                               {"user_us", &Outcome::user_us},
                               {"system_us", &Outcome::system_us},
                               {"faults", &Outcome::faults},
                               {"peak_bytes", &Outcome::peak_bytes},
                               {"final_bytes", &Outcome::final_bytes},
                               {"failed", &Outcome::failed},
                               {"waits", &Outcome::waits}};

ordered_json json_of(const Planner& planner, const Settings& settings, const std::vector<Runs>& all) {
  ordered_json rows = ordered_json::array();
  for (const Runs& runs : all) {
    ordered_json row = {{"name", runs.allocator.name}, {"library", runs.allocator.library}};
    for (const Figure& figure : kFigures) row[figure.name] = json_of(spread_of(runs, figure.member));
    row["noisy"] = is_noisy(spread_of(runs, &Outcome::ns));
    rows.push_back(row);
  }
  return {{"calls", planner.calls()},
          {"threads", planner.threads()},
          {"peak_live_bytes", planner.peak_bytes()},
          {"final_live_bytes", planner.live_bytes()},
          {"repeats", settings.repeats},
          {"touch", settings.touch},
          {"allocators", rows}};
}

void print(const Planner& planner, const Settings& settings, const std::vector<Runs>& all) {
  const Output& output = settings.output;
  output.print(
      fmt::format("{} calls by {} {}; live at the peak {}, at the end {}; {} {} of each\n", planner.calls(),
                  planner.threads(), planner.threads() == 1 ? "thread" : "threads", human_bytes(planner.peak_bytes()),
                  human_bytes(planner.live_bytes()), settings.repeats, settings.repeats == 1 ? "run" : "runs"),
      Style::kBold);
  Table table({{"allocator", Table::Align::kLeft},
               {"ms"},
               {"ratio"},
               {"ns a call"},
               {"peak RSS"},
               {"final RSS"},
               {"faults"},
               {"", Table::Align::kLeft}});
  const double first = static_cast<double>(spread_of(all.front(), &Outcome::ns).median);
  for (const Runs& runs : all) {
    const Spread time = spread_of(runs, &Outcome::ns);
    const double ns = static_cast<double>(time.median);
    table.add({runs.allocator.name, fmt::format("{:.1f}", ns / 1e6), fmt::format("{:.2f}", first > 0 ? ns / first : 0),
               fmt::format("{:.1f}", planner.calls() > 0 ? ns / static_cast<double>(planner.calls()) : 0),
               human_bytes(spread_of(runs, &Outcome::peak_bytes).median),
               human_bytes(spread_of(runs, &Outcome::final_bytes).median),
               std::to_string(spread_of(runs, &Outcome::faults).median),
               is_noisy(time) ? fmt::format("noisy: {:.1f} to {:.1f} ms", static_cast<double>(time.least) / 1e6,
                                            static_cast<double>(time.most) / 1e6)
                              : ""});
  }
  table.print(output);
  output.print(
      "Medians; the ratio is of the time to the first row's. Resident memory counts from before the first call.\n",
      Style::kDim);
  for (const Runs& runs : all) {
    if (const std::uint64_t failed = spread_of(runs, &Outcome::failed).most; failed != 0)
      output.print(fmt::format("{}: {} allocations failed that did not when the trace was recorded\n",
                               runs.allocator.name, failed));
  }
}

int run(const Settings& settings) {
  std::vector<Runs> all;
  for (const std::string& name : settings.allocators) all.push_back({find_allocator(name), {}});
  if (all.empty()) all = {{find_allocator("glibc"), {}}, {find_allocator("ashlar"), {}}};
  Planner planner;
  planner.follow(TraceFile(settings.file));
  if (planner.calls() == 0) throw Failure(Exit::kBadTrace, settings.file + ": the trace holds no call to replay");
  const Plan plan(planner, settings.touch == "all" ? replay::Touch::kAll : replay::Touch::kFirst);
  // By turns, so that what else the machine does meets all alike.
  for (unsigned i = 0; i < settings.repeats; ++i) {
    for (Runs& runs : all) runs.outcomes.push_back(plan.run(runs.allocator));
  }
  if (settings.output.json()) settings.output.print_json(json_of(planner, settings, all));
  else print(planner, settings, all);
  return 0;
}

}  // namespace

Action declare_replay(CLI::App& command) {
  const auto settings = std::make_shared<Settings>();
  command.add_option("FILE", settings->file, "A trace that ashlar record or the option record wrote")->required();
  command
      .add_option(
          "--alloc", settings->allocators,
          "An allocator: NAME=LIBRARY, or glibc, ashlar, jemalloc, mimalloc, tcmalloc. Default: glibc and ashlar")
      ->type_name("NAME[=LIBRARY]")
      ->allow_extra_args(false);
  command.add_option("--repeats", settings->repeats, "How often each runs, by turns")
      ->type_name("NUMBER")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command.add_option("--touch", settings->touch, "What of a block is written to: its first byte, or all")
      ->type_name("first|all")
      ->capture_default_str()
      ->check(CLI::IsMember({"first", "all"}));
  settings->output.declare(command);
  return [settings] { return run(*settings); };
}

}  // namespace ashlar::tool
