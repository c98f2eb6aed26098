// tool: fills in the page of a replay, replay_page.html.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tool/html.h"
#include "tool/replay_page.h"
#include "tool/replay_report.h"

namespace ashlar::tool {

namespace {

std::string summary_of(const Replay& replay) {
  const Planner& planner = replay.planner;
  return fmt::format(
      "{} calls by {} {}; live at the peak {}, at the end {}; {} {} of each; {}, {} of a block is written to",
      planner.calls(), planner.threads(), planner.threads() == 1 ? "thread" : "threads",
      human_bytes(planner.peak_bytes()), human_bytes(planner.live_bytes()), replay.repeats,
      replay.repeats == 1 ? "run" : "runs", replay.as_recorded ? "with the recorded pauses" : "as fast as it can",
      replay.touch == "first" ? "the first byte"
      : replay.touch == "all" ? "all"
                              : "as much as was used");
}

}  // namespace

// The page's script reads the output of --json.
std::string page_of(const Replay& replay, const std::string& name) {
  return filled(kReplayPage, {{"NONCE", nonce()},
                              {"TITLE", escaped("Replay of " + name)},
                              {"SUMMARY", escaped(summary_of(replay))},
                              {"DATA", script_data(json_of(replay))}});
}

}  // namespace ashlar::tool
