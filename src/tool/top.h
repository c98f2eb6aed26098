// tool: `ashlar top`: samples of a heap, and the lines that they are shown as, on a screen and in batch mode alike.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "tool/output.h"
#include "tool/reader/reader.h"

namespace ashlar::tool {

enum class Sort : std::uint8_t { kGrowth, kSize, kLive };

struct CacheSample {
  std::uint32_t object_size = 0;
  std::uint64_t live = 0, cached = 0, out = 0, capacity = 0, slabs = 0, bytes = 0;
};

// A process at one moment.
struct Sample {
  std::chrono::steady_clock::time_point time;
  pid_t pid = 0;
  std::string title, name, version;
  std::string identity;  // of the program (Source::identity)
  std::string failure;   // why there are no figures; else empty
  std::size_t threads = 0;
  bool approximate = false;
  reader::Split split;
  std::map<std::string, CacheSample> caches;  // by name, those with a slab; of all nodes together
};

// Two samples of one process; without the earlier one there are no rates.
struct Change {
  Sample now;
  std::optional<Sample> before;

  // Per second.
  [[nodiscard]] std::optional<double> rate(double now_value, double before_value) const;
  [[nodiscard]] std::optional<double> resident_rate() const;
  [[nodiscard]] std::optional<double> live_rate() const;
  [[nodiscard]] const CacheSample* earlier(const std::string& cache) const;
};

// Throws a Failure where it cannot be read.
Sample take_sample(reader::Source& source);

// A line of text in several styles.
struct Span {
  std::string text;
  Style style = Style::kPlain;
};
using Line = std::vector<Span>;

// The screen for one process, and for a list of them.
std::vector<Line> process_lines(const Change& change, Sort sort);
std::vector<Line> list_lines(const std::vector<Change>& all);

// The same as JSON: an object of one sample.
nlohmann::ordered_json process_json(const Change& change);

// A terminal's screen (ncurses); the terminal is as before when it is gone.
class Screen {
 public:
  explicit Screen(bool coloured);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void show(const std::vector<Line>& lines);
  // Waits for a key: its code, or -1 when the time is over or the window's size has changed. Throws a Failure when the
  // terminal has gone.
  int wait_key(std::chrono::milliseconds time);
};

}  // namespace ashlar::tool
