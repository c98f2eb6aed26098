// tool: `ashlar top`: samples of a heap, and the lines that show them on a screen and in batch mode.
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
enum class View : std::uint8_t { kCaches, kSites };

struct CacheSample {
  std::uint32_t object_size = 0;
  std::uint64_t live = 0, cached = 0, out = 0, capacity = 0, slabs = 0, bytes = 0;
};

// What a function itself allocated, and how much of that is in use: a profile's estimates of requested bytes.
struct SiteSample {
  std::uint64_t in_use = 0, objects = 0, allocated = 0, allocated_objects = 0;
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
  // By function; set if functions were asked for and a profile was ever started.
  std::optional<std::map<std::string, SiteSample>> sites;
};

// Two samples of one process; without the earlier one there are no rates.
struct Change {
  Sample now;
  std::optional<Sample> before;

  // Returns the change per second, or nothing without an earlier sample.
  [[nodiscard]] std::optional<double> rate(double now_value, double before_value) const;
  [[nodiscard]] std::optional<double> resident_rate() const;
  [[nodiscard]] std::optional<double> live_rate() const;
  [[nodiscard]] const CacheSample* earlier(const std::string& cache) const;
};

// Takes a sample. Throws a Failure if the process cannot be read. Functions are looked up for the view of sites only.
Sample take_sample(reader::Source& source, View view = View::kCaches);
std::optional<std::map<std::string, SiteSample>> sites_of(reader::Source& source);

// A line of text in several styles.
struct Span {
  std::string text;
  Style style = Style::kPlain;
};
using Line = std::vector<Span>;

// Return the screen's lines for one process, and for a list of processes.
std::vector<Line> process_lines(const Change& change, Sort sort, View view);
std::vector<Line> list_lines(const std::vector<Change>& all);

// Returns one sample as a JSON object.
nlohmann::ordered_json process_json(const Change& change, View view);

// Adds the lines that the view of sites shows instead of the caches.
void add_site_lines(std::vector<Line>& lines, const Change& change, Sort sort);
nlohmann::ordered_json sites_json(const Change& change);

// Return a signed rate in bytes, "+1.2 MiB/s", or in objects, or "-" if the rate is not known; and the style of growth.
std::string byte_rate(std::optional<double> rate);
std::string object_rate(std::optional<double> rate);
Style style_of(std::optional<double> rate);

// A terminal's screen (ncurses). The destructor restores the terminal.
class Screen {
 public:
  explicit Screen(bool coloured);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void show(const std::vector<Line>& lines);
  // Waits for a key and returns its code, or -1 if the time is over or the window's size has changed. Throws a Failure
  // if the terminal is gone.
  int wait_key(std::chrono::milliseconds time);
};

}  // namespace ashlar::tool
