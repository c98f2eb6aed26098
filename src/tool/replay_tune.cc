// tool: `ashlar replay --tune`: which of Ashlar's options pay off for a trace.
//
// 1. Each option that trades time for memory runs alone, in turns with the defaults.
// 2. Options that are clearly better in time or memory are combined, one value per option, and run with the defaults.
// 3. A set is on the front unless another set is clearly better in time or memory, and seems worse in neither.
#include "tool/replay_tune.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ashlar::tool {

namespace {

using nlohmann::ordered_json;
using replay::Outcome;

// A set has at most one choice with the same `option`.
struct Choice {
  int option;
  const char* words;
};
constexpr Choice kChoices[] = {{0, "decay_ms=0"},
                               {0, "decay_ms=100"},
                               {0, "decay_ms=10000"},
                               {1, "dirty_ratio=5,dirty_min=256k"},
                               {1, "dirty_ratio=100,dirty_min=64m"},
                               {2, "purge=free"},
                               {3, "hugepages=dense"},
                               {3, "hugepages=always"},
                               {4, "slob"},
                               {5, "mmap_threshold=256k"},
                               {5, "mmap_threshold=2m"}};

// The ratios of a figure to another set's figure in the same turn. With five turns or more, the smallest and the
// largest ratio are left out.
struct Change {
  double min = 1, median = 1, max = 1;
  [[nodiscard]] bool is_less() const { return max < 0.99; }
  [[nodiscard]] bool is_more() const { return min > 1.01; }
  // Within the precision of the runs.
  [[nodiscard]] bool is_no_more() const { return !is_more() && median < 1.01; }
};

class Tuning {
 public:
  Tuning(const Runs& runs, Replay& replay) : runs_(runs), replay_(replay), time_(time_of(replay)) {
    replay.rows.clear();
    add("");
    for (const Choice& choice : kChoices) add(choice.words);
    run();
    const std::size_t alone = replay.rows.size();
    add_together([this](const ReplayRow& row) { return is_better(row, peak_of) && !is_worse(row, time_); }, peak_of);
    add_together([this](const ReplayRow& row) { return is_better(row, time_) && !is_worse(row, peak_of); }, time_);
    add_together([this](const ReplayRow& row) { return is_better(row, peak_of); }, peak_of);
    if (replay.rows.size() != alone) run();
  }

  [[nodiscard]] const ReplayRow& defaults() const { return replay_.rows.front(); }

  [[nodiscard]] Change change(const ReplayRow& row, const ReplayRow& to, Figure figure) const {
    std::vector<double> ratios;
    // compare the last turns of both, as combined sets were added later
    const std::size_t turns = std::min(row.outcomes.size(), to.outcomes.size());
    for (std::size_t i = 1; i <= turns; ++i) {
      const std::uint64_t value = figure(row.outcomes[row.outcomes.size() - i]);
      const std::uint64_t before = std::max<std::uint64_t>(figure(to.outcomes[to.outcomes.size() - i]), 1);
      ratios.push_back(static_cast<double>(value) / static_cast<double>(before));
    }
    std::sort(ratios.begin(), ratios.end());
    const std::size_t left_out = turns >= 5 ? 1 : 0;
    return {ratios[left_out], ratios[turns / 2], ratios[turns - 1 - left_out]};
  }

  // Returns whether a set clearly differs from the defaults.
  [[nodiscard]] bool differs(const ReplayRow& row) const {
    const Change time = change(row, defaults(), time_), peak = change(row, defaults(), peak_of);
    return time.is_less() || time.is_more() || peak.is_less() || peak.is_more();
  }

  [[nodiscard]] bool is_on_front(const ReplayRow& row) const {
    return std::none_of(replay_.rows.begin(), replay_.rows.end(), [&](const ReplayRow& other) {
      const Change time = change(other, row, time_), peak = change(other, row, peak_of);
      return (time.is_less() || peak.is_less()) && time.is_no_more() && peak.is_no_more();
    });
  }

 private:
  [[nodiscard]] bool is_better(const ReplayRow& row, Figure figure) const {
    return change(row, defaults(), figure).is_less();
  }
  [[nodiscard]] bool is_worse(const ReplayRow& row, Figure figure) const {
    return change(row, defaults(), figure).is_more();
  }

  void add(const std::string& options) {
    Allocator allocator = find_allocator("ashlar");
    allocator.options = options;
    replay_.rows.push_back({allocator, {}});
  }

  // Combines the best good value of each option.
  template <class IsGood>
  void add_together(IsGood is_good, Figure figure) {
    std::string together;
    unsigned parts = 0;
    for (std::size_t i = 0; i < std::size(kChoices);) {
      const ReplayRow* best = nullptr;
      std::size_t next = i;
      for (; next < std::size(kChoices) && kChoices[next].option == kChoices[i].option; ++next) {
        const ReplayRow& row = replay_.rows[1 + next];
        if (!is_good(row)) continue;
        if (best == nullptr || change(row, defaults(), figure).median < change(*best, defaults(), figure).median)
          best = &row;
      }
      i = next;
      if (best == nullptr) continue;
      together += (parts++ == 0 ? "" : ",") + best->allocator.options;
    }
    const bool is_known = std::any_of(replay_.rows.begin(), replay_.rows.end(),
                                      [&](const ReplayRow& row) { return row.allocator.options == together; });
    if (parts > 1 && !is_known) add(together);
  }

  void run() {
    std::vector<ReplayRow*> all;
    for (ReplayRow& row : replay_.rows) all.push_back(&row);
    for (ReplayRow* row : all) {
      if (row->samples.count == 0) row->samples = *runs_.run(row->allocator, Purpose::kMemory).samples;
    }
    for (std::size_t i = 0; i < replay_.repeats * all.size(); ++i) {
      ReplayRow& row = *all[(i + i / all.size()) % all.size()];
      row.outcomes.push_back(runs_.run(row.allocator, Purpose::kTime).outcome);
    }
  }

  const Runs& runs_;
  Replay& replay_;
  Figure time_;
};

std::string name_of(const ReplayRow& row) {
  return row.allocator.options.empty() ? "(defaults)" : row.allocator.options;
}

std::string text_of(const Change& change) {
  return fmt::format("{:.2f} ({:.2f}-{:.2f})", change.median, change.min, change.max);
}

// Returns the front by memory, the smallest first, followed by the rest.
std::vector<const ReplayRow*> in_order(const Tuning& tuning, const Replay& replay) {
  std::vector<const ReplayRow*> rows;
  for (const ReplayRow& row : replay.rows) rows.push_back(&row);
  std::stable_sort(rows.begin(), rows.end(), [&](const ReplayRow* a, const ReplayRow* b) {
    const bool on_front[] = {tuning.is_on_front(*a), tuning.is_on_front(*b)};
    if (on_front[0] != on_front[1]) return on_front[0];
    return spread_of(*a, peak_of).median < spread_of(*b, peak_of).median;
  });
  return rows;
}

ordered_json json_of(const Change& change) {
  return {{"min", change.min}, {"median", change.median}, {"max", change.max}};
}

ordered_json json_of(const Tuning& tuning, const Replay& replay) {
  ordered_json sets = ordered_json::array();
  for (const ReplayRow* row : in_order(tuning, replay)) {
    sets.push_back({{"options", row->allocator.options},
                    {"front", tuning.is_on_front(*row)},
                    {"differs", tuning.differs(*row)},
                    {"time", json_of(tuning.change(*row, tuning.defaults(), time_of(replay)))},
                    {"peak", json_of(tuning.change(*row, tuning.defaults(), peak_of))},
                    {"ns", spread_of(*row, time_of(replay)).median},
                    {"peak_bytes", peaks_of(*row).median},
                    {"mean_bytes", mean_bytes(replay, *row)}});
  }
  return {{"repeats", replay.repeats}, {"speed", replay.as_recorded ? "recorded" : "max"}, {"sets", sets}};
}

void print_advice(const Tuning& tuning, const Replay& replay, const Output& output) {
  const ReplayRow *smallest = nullptr, *fastest = nullptr;
  for (const ReplayRow& row : replay.rows) {
    if (!tuning.is_on_front(row)) continue;
    const auto better = [&](const ReplayRow* best, Figure figure) {
      return tuning.change(row, tuning.defaults(), figure).is_less() &&
             (best == nullptr || spread_of(row, figure).median < spread_of(*best, figure).median);
    };
    if (better(smallest, peak_of)) smallest = &row;
    if (better(fastest, time_of(replay))) fastest = &row;
  }
  if (smallest != nullptr) output.print(fmt::format("Minimum memory: ASHLAR_OPTIONS={}\n", name_of(*smallest)));
  if (fastest != nullptr) output.print(fmt::format("Minimum time: ASHLAR_OPTIONS={}\n", name_of(*fastest)));
  if (smallest == nullptr && fastest == nullptr) output.print("No set is clearly better than the defaults.\n");
}

std::string mark_of(const Tuning& tuning, const ReplayRow& row) {
  if (&row != &tuning.defaults() && !tuning.differs(row)) return "as the defaults";
  return tuning.is_on_front(row) ? "front" : "";
}

void print(const Tuning& tuning, const Replay& replay, const Output& output) {
  Table table({{"options", Table::Align::kLeft},
               {"time"},
               {"peak RSS"},
               {"ms"},
               {"peak RSS"},
               {"mean RSS"},
               {"", Table::Align::kLeft}});
  for (const ReplayRow* row : in_order(tuning, replay)) {
    table.add({name_of(*row), text_of(tuning.change(*row, tuning.defaults(), time_of(replay))),
               text_of(tuning.change(*row, tuning.defaults(), peak_of)),
               fmt::format("{:.1f}", static_cast<double>(spread_of(*row, time_of(replay)).median) / 1e6),
               human_bytes(peaks_of(*row).median), human_bytes(mean_bytes(replay, *row)), mark_of(tuning, *row)});
  }
  table.print(output);
  output.print(
      fmt::format("Multiples of the defaults in the same turn: the median of {} turns, and the range of the turns.\n"
                  "For a set on the front, no other set is clearly better in one figure and not worse in the other.\n"
                  "A difference of less than 1 % does not count.\n",
                  replay.repeats),
      Style::kDim);
  print_advice(tuning, replay, output);
  if (!replay.as_recorded)
    output.print("Free memory ages in real time (decay_ms): with --speed recorded the time is the program's.\n",
                 Style::kDim);
}

}  // namespace

int tune(const Runs& runs, Replay& replay, const Output& output) {
  const Tuning tuning(runs, replay);
  if (output.json()) output.print_json(json_of(tuning, replay));
  else print(tuning, replay, output);
  return 0;
}

}  // namespace ashlar::tool
