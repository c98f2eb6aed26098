// base: the run-time options. One table declares each option's name, type, unit, range, default and meaning; the
// parser, `ASHLAR_OPTIONS=help`, the man page and the README's table come from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ashlar {

enum class PurgeMode : std::uint64_t { kDontNeed = 0, kFree = 1 };
enum class HugePages : std::uint64_t { kNever = 0, kDense = 1, kAlways = 2 };
enum class StatsForm : std::uint64_t { kNone = 0, kText = 1, kJson = 2 };

// The value of each option. Written once, before main by the thread that loads the library (and by mallopt); read
// everywhere without a lock.
struct Options {
  std::uint64_t help = 0;
  std::uint64_t stats = 0;
  std::uint64_t decay_ms = 1000;
  std::uint64_t dirty_ratio = 20;
  std::uint64_t dirty_min = 3 << 20;
  std::uint64_t purge = static_cast<std::uint64_t>(PurgeMode::kDontNeed);
  std::uint64_t kswapd = 1;
  std::uint64_t memcg = 1;
  std::uint64_t mmap_threshold = 32 << 20;
  std::uint64_t hugepages = static_cast<std::uint64_t>(HugePages::kNever);
  std::uint64_t perturb = 0;
  std::uint64_t numa = 1;
  std::uint64_t numa_fake = 0;
};

extern Options options;

struct OptionInfo {
  // A flag may have choices beyond 0 and 1; its name alone means 1.
  enum class Type : std::uint8_t { kFlag, kNumber, kBytes, kChoice };

  std::string_view name;
  Type type;
  std::string_view unit;  // of a number, or a choice's values separated by '|'
  std::uint64_t min, max;
  std::uint64_t Options::*value;
  std::string_view meaning;
};

// All options, in the order in which they are documented.
std::span<const OptionInfo> option_table();

// The same for a reader from outside of the process (stats/format.h).
struct OptionRows {
  const OptionInfo* first;
  std::uint64_t count;
};
extern const OptionRows option_rows;

// Sets `into` from a list "name,name=value,…" as in ASHLAR_OPTIONS (commas, colons or white space separate). For each
// item that cannot be used, calls report with one line of text, without newline; that option keeps its value.
void parse_options(std::string_view list, Options& into, void (*report)(std::string_view line));

// Calls line once for each option: name, default, unit and meaning. What `ASHLAR_OPTIONS=help` prints.
void describe_options(void (*line)(std::string_view));

}  // namespace ashlar
