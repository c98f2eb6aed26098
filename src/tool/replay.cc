// tool: `ashlar replay`: replays a trace under several allocators, and compares time and memory.
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/error.h"
#include "tool/output_file.h"
#include "tool/replay_report.h"
#include "tool/replay_tune.h"

namespace ashlar::tool {

namespace {

constexpr unsigned kMinToTune = 3;

struct Settings {
  std::string file;
  std::vector<std::string> allocators;
  unsigned repeats = 5;
  std::string touch = "all", speed = "max", html, plan;
  bool latency = false, tune = false;
  Output output;
};

// Returns the memory that the system reports as available, or the largest number if it does not report it.
std::uint64_t available_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  for (std::uint64_t kib = 0; file >> name; file.ignore(1000, '\n')) {
    if (name == "MemAvailable:" && file >> kib) return kib * 1024;
  }
  return UINT64_MAX;
}

void check(const Settings& settings, const Planner& planner) {
  if (planner.calls() == 0) throw Failure(Exit::kBadTrace, settings.file + ": the trace holds no call to replay");
  const std::uint64_t available = available_bytes();
  if (settings.touch == "all" && settings.plan.empty() && planner.peak_bytes() > available) {
    throw Failure(Exit::kFailed,
                  fmt::format("replay: {} were live at the peak, and {} of memory are available; --touch first writes "
                              "to less of it",
                              human_bytes(planner.peak_bytes()), human_bytes(available)));
  }
}

// Runs the allocators in turns, each turn starting with another one, so that other load on the machine affects all
// equally. The runs that sample memory come first and warm the machine up.
void run_all(const Runs& runs, Replay& replay) {
  for (ReplayRow& row : replay.rows) row.samples = *runs.run(row.allocator, Purpose::kMemory).samples;
  const std::size_t rows = replay.rows.size();
  for (std::size_t i = 0; i < replay.repeats * rows; ++i) {
    ReplayRow& row = replay.rows[(i + i / rows) % rows];
    row.outcomes.push_back(runs.run(row.allocator, Purpose::kTime).outcome);
  }
  for (std::size_t i = 0; replay.latency && i < replay.repeats * rows; ++i) {
    ReplayRow& row = replay.rows[(i + i / rows) % rows];
    add(row.latencies, *runs.run(row.allocator, Purpose::kLatency).latencies);
  }
}

void follow_uses(UsedParts& used, const TraceFile& trace, const std::string& name) {
  if (trace.header().version < 2) {
    throw Failure(Exit::kUsage, name +
                                    ": replay: --touch recorded: a trace of version 1 does not record how much of "
                                    "a block was used; say first or all");
  }
  used.follow(trace);
}

int run(const Settings& settings) {
  if (settings.tune && settings.repeats < kMinToTune) {
    throw Failure(Exit::kUsage, fmt::format("replay: --tune: fewer than {} runs do not show the noise: --repeats {}",
                                            kMinToTune, settings.repeats));
  }
  std::error_code ignored;
  for (const auto& [option, file] : {std::pair{"--plan", &settings.plan}, std::pair{"--html", &settings.html}}) {
    if (!file->empty() && std::filesystem::equivalent(*file, settings.file, ignored))
      throw Failure(Exit::kUsage,
                    fmt::format("replay: {} {}: it is the trace itself, which would be overwritten", option, *file));
  }
  const bool as_recorded = settings.speed == "recorded";
  UsedParts used;
  const bool is_recorded = settings.touch == "recorded";
  Planner planner(settings.plan, is_recorded ? &used : nullptr);
  Replay replay = {planner, settings.repeats, settings.touch, as_recorded, settings.latency || !settings.html.empty(),
                   {}};
  for (const std::string& name : settings.allocators) replay.rows.push_back({find_allocator(name), {}});
  if (replay.rows.empty()) {
    for (const char* name : {"glibc", "ashlar"}) replay.rows.push_back({find_allocator(name), {}});
  }
  {
    const TraceFile trace(settings.file);
    if (is_recorded) follow_uses(used, trace, settings.file);
    planner.follow(trace);
  }
  planner.finish();
  check(settings, planner);
  if (!settings.plan.empty()) return 0;
  const Runs runs(planner, {replay.touch == "first", replay.as_recorded});
  if (settings.tune) return tune(runs, replay, settings.output);
  OutputFile page(settings.html);
  run_all(runs, replay);
  if (!settings.html.empty()) page.write(page_of(replay, settings.file));
  if (settings.output.json()) settings.output.print_json(json_of(replay));
  else print(settings.output, replay);
  return 0;
}

}  // namespace

Action declare_replay(CLI::App& command) {
  const auto settings = std::make_shared<Settings>();
  command.add_option("FILE", settings->file, "A trace that ashlar record or the option record wrote")->required();
  CLI::Option* const alloc =
      command
          .add_option("--alloc", settings->allocators,
                      "An allocator: NAME=LIBRARY, or glibc, ashlar, jemalloc, mimalloc or tcmalloc; ?OPTIONS sets "
                      "Ashlar's options. Default: glibc and ashlar")
          ->type_name("NAME[=LIBRARY][?OPTIONS]")
          ->allow_extra_args(false);
  add_count(
      command, "--repeats", [&repeats = settings->repeats](std::uint32_t n) { repeats = n; }, 1, 1000,
      "How often each allocator runs, in turns")
      ->default_str(std::to_string(settings->repeats));
  command.add_option("--speed", settings->speed, "max: as fast as possible; recorded: with the recorded pauses")
      ->type_name("max|recorded")
      ->capture_default_str()
      ->check(CLI::IsMember({"max", "recorded"}));
  command
      .add_option(
          "--touch", settings->touch,
          "Which part of a block is written to: its first byte, all of it, or of a large block as much as was used")
      ->type_name("first|all|recorded")
      ->capture_default_str()
      ->check(CLI::IsMember({"first", "all", "recorded"}));
  CLI::Option* const latency =
      command.add_flag("--latency", settings->latency, "Also time each call, in separate runs");
  CLI::Option* const html =
      command
          .add_option("--html", settings->html,
                      "Also write a page with pictures, which needs no network; it includes latencies")
          ->type_name("FILE");
  CLI::Option* const tune =
      command.add_flag("--tune", settings->tune, "Try Ashlar's options, and show which are worth setting");
  CLI::Option* const plan =
      command.add_option("--plan", settings->plan, "Write the file that ashlar-replay reads, and run nothing")
          ->type_name("FILE");
  for (CLI::Option* const other : {alloc, latency, html, plan}) tune->excludes(other);
  for (CLI::Option* const other : {latency, html}) plan->excludes(other);
  settings->output.declare(command);
  plan->excludes("--json");
  return [settings] { return run(*settings); };
}

}  // namespace ashlar::tool
