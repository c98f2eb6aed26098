// base: the run-time options. One table (options.cc) has name, type, unit, range, default and meaning of each. The
// parser (parse_options.cc, option_values.cc), `ASHLAR_OPTIONS=help`, the man page and docs/options.md come from it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/units.h"

namespace ashlar {

enum class PurgeMode : std::uint64_t { kDontNeed = 0, kFree = 1 };
enum class HugePages : std::uint64_t { kNever = 0, kDense = 1, kAlways = 2, kReserved = 3, kReserved1g = 4 };
enum class Cold : std::uint64_t { kOff = 0, kCold = 1, kPageOut = 2 };
enum class StatsFormat : std::uint64_t { kNone = 0, kText = 1, kJson = 2 };

// What slab_debug checks, by the kernel's letters (Documentation/mm/slub.rst).
enum class SlabDebug : std::uint64_t { kConsistency = 1, kRedZone = 2, kPoison = 4, kUser = 8, kTrace = 16 };
inline constexpr std::uint64_t kSlabDebugUsual = 15;  // all except the trace: the meaning of no letters

inline constexpr std::uint64_t kUsualRate = 512_KiB;  // the value of a rate's name alone

// The parameters of the option failslab other than its percentage (Documentation/fault-injection).
struct FaultAttributes {
  std::uint64_t interval = 1;               // of the calls in question, every interval-th may fail
  std::uint64_t min = 0, max = UINT64_MAX;  // bytes asked for
  std::uint64_t times = UINT64_MAX;         // total number of failures
};

// The names of the caches that slab_debug applies to, separated by commas; empty for all.
struct CacheNames {
  std::size_t length = 0;
  char text[192] = {};
  [[nodiscard]] std::string_view view() const { return {text, length}; }
};

// An area that the option swap asks for (page/swap.h).
inline constexpr std::size_t kMaxPattern = 255;    // bytes of profile_file, of record and of a path of swap
inline constexpr std::size_t kMaxSwapWishes = 32;  // as many areas as a process may have
inline constexpr std::uint64_t kMaxSwapWish = 256_GiB;
inline constexpr int kMaxWishedPriority = 32767;
struct SwapWish {
  std::uint64_t bytes;
  int priority;  // -1 where none was given
  char path[kMaxPattern + 1];
};

// Where an option's value comes from.
enum class Origin : std::uint8_t { kDefault, kEnvironment, kMallopt, kRequest, kProgram, kSystemFile, kUserFile };
inline constexpr std::size_t kMaxOptions = 34;

// A value that may change while other threads read it. Loads and stores are relaxed. They compile to ordinary
// instructions, also in code that is optimised for size.
template <class T>
class Option {
 public:
  constexpr Option(T value = {}) : value_(value) {}
  Option(const Option& other) : value_(static_cast<T>(other)) {}
  Option& operator=(const Option& other) { return *this = static_cast<T>(other); }
  [[gnu::always_inline]] Option& operator=(T value) {
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }
  [[gnu::always_inline]] operator T() const { return value_.load(std::memory_order_relaxed); }

  // Stores a value that says that earlier writes are complete. release: pairs with acquire().
  void publish(T value) { value_.store(value, std::memory_order_release); }
  [[nodiscard, gnu::always_inline]] T acquire() const { return value_.load(std::memory_order_acquire); }

 private:
  std::atomic<T> value_;
};

// An option whose value is one of an enumeration's. It is stored as a number, like the others, so that one function
// reaches all of them (value_of), and is read and written as the enumeration.
template <class E>
class Choice : private Option<std::uint64_t> {
 public:
  constexpr Choice(E value) : Option(static_cast<std::uint64_t>(value)) {}
  [[gnu::always_inline]] Choice& operator=(E value) {
    Option::operator=(static_cast<std::uint64_t>(value));
    return *this;
  }
  [[gnu::always_inline]] operator E() const { return static_cast<E>(Option::operator std::uint64_t()); }

  // Like Option's publish.
  void publish(E value) { Option::publish(static_cast<std::uint64_t>(value)); }
  [[nodiscard, gnu::always_inline]] E acquire() const { return static_cast<E>(Option::acquire()); }
};

// The value of each option. The thread that loads the library writes them before main. Those that may change at run
// time are also written by mallopt and by requests from outside. All threads read them without a lock. The members that
// are not an Option are constant from main on.
struct Options {
  Option<std::uint64_t> help = 0;
  Choice<StatsFormat> stats = StatsFormat::kNone;
  Option<std::uint64_t> leaks = 0;
  Option<std::uint64_t> decay_ms = 1000;
  Option<std::uint64_t> dirty_ratio = 20;
  Option<std::uint64_t> dirty_min = 3_MiB;
  Choice<PurgeMode> purge = PurgeMode::kDontNeed;
  Option<std::uint64_t> kswapd = 1;
  Option<std::uint64_t> memcg = 1;
  Option<std::uint64_t> mmap_only = 0;
  Option<std::uint64_t> mmap_threshold = 32_MiB;
  Choice<HugePages> hugepages = HugePages::kNever;
  Option<std::uint64_t> perturb = 0;
  Option<std::uint64_t> slob = 0;
  Option<std::uint64_t> numa = 1;
  Option<std::uint64_t> numa_fake = 0;
  Option<std::uint64_t> cpus_fake = 0;
  Option<std::uint64_t> slab_debug = 0;  // bits of SlabDebug
  Option<std::uint64_t> slab_nomerge = 0;
  Option<std::uint64_t> debug_continue = 0;
  Option<std::uint64_t> harden = 0;
  Option<std::uint64_t> mismatch = 1;
  Option<std::uint64_t> guard_sample = 0;
  Option<std::uint64_t> deepbind = 0;
  Option<std::uint64_t> failslab = 0;  // a percentage; its other parameters are in `fail`
  FaultAttributes fail;
  CacheNames slab_debug_caches;
  Option<std::uint64_t> profile = 0;       // bytes per sample; 0 is off
  Option<std::uint64_t> profile_file = 0;  // the length of profile_pattern; 0 is none
  Option<std::uint64_t> profile_every = 0;
  Option<std::uint64_t> profile_peak = 0;
  Option<std::uint64_t> profile_signal = 0;  // the index of a word of its unit
  Option<std::uint64_t> record = 0;          // the length of record_path; 0 is none
  Option<std::uint64_t> swap = 0;            // how many areas swap_wish gives
  Option<std::uint64_t> swap_encrypt = 0;
  Choice<Cold> cold = Cold::kOff;
  Option<const char*> profile_pattern;  // ends with a zero byte; what was published is not written again
  Option<const char*> record_path;      // ends with a zero byte
  Option<Origin> origins[kMaxOptions];  // by row of the table
  std::uint8_t swap_wishes[kMaxSwapWishes] = {};
};

extern Options options;

struct OptionInfo {
  // A flag may have choices beyond 0 and 1. The name of a flag alone means 1, the name of a rate alone the usual rate.
  enum class Type : std::uint8_t { kFlag, kNumber, kBytes, kChoice, kSlabDebug, kFault, kRate, kText, kSwap };
  enum class Changes : std::uint8_t { kNever, kAtRunTime };

  std::string_view name;
  Type type;
  Changes changes;
  std::string_view unit;  // of a number, or a choice's values separated by '|'
  std::uint64_t min, max;
  std::uint64_t place;  // the offset of the value in Options: see value_of
  std::string_view meaning;
};
static_assert(std::is_standard_layout_v<Options>, "values are found by their place");

// Returns the number that stands for an option's value, whatever its type.
inline Option<std::uint64_t>& value_of(const OptionInfo& info, Options& of) {
  return *reinterpret_cast<Option<std::uint64_t>*>(reinterpret_cast<char*>(&of) + info.place);
}
inline std::uint64_t value_of(const OptionInfo& info, const Options& of) {
  return *reinterpret_cast<const Option<std::uint64_t>*>(reinterpret_cast<const char*>(&of) + info.place);
}

// Returns all options, in the order in which they are documented.
std::span<const OptionInfo> option_table();

// The same table for the command, which reads the process from outside (stats/format.h).
struct OptionRows {
  const OptionInfo* first;
  std::uint64_t count;
};
extern const OptionRows option_rows;

// Sets `into` from a list "name,name=value,…" as in ASHLAR_OPTIONS (commas, colons or white space separate). Names of
// caches after slab_debug and numbers after failslab belong to that option, up to the next option's name. For each item
// that is wrong, calls report with one line of text, without newline, and sets that option to its default.
void parse_options(std::string_view list, Options& into, void (*report)(std::string_view line),
                   Origin from = Origin::kEnvironment);

// Reads one "name=value", or the name of a flag or a rate, into `into`. Returns the option's row. Returns null where
// nothing was set, after calling `report` with one line that begins with the name. A text stays in the item.
const OptionInfo* parse_option(std::string_view item, Options& into, void (*report)(std::string_view line));

// Returns the n-th area that the option swap asks for, n < swap. It is valid for the life of the process.
const SwapWish& swap_wish(const Options& of, std::uint64_t n);

// Returns the element of Options::origins for an option's row.
Option<Origin>& origin_of(const OptionInfo& info, Options& of);

// Calls `line` once for each option with its name, default, unit and meaning: the output of `ASHLAR_OPTIONS=help`.
void describe_options(void (*line)(std::string_view));

}  // namespace ashlar
