// Fuzz target: the parser of ASHLAR_OPTIONS. The input is the list itself. Whatever it says, each value must end up in
// its range, each complaint must be one bounded line, and a list must mean the same whenever it is read.
#include <string.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/options.h"
#include "fuzz/input.h"

namespace {

using namespace ashlar;

std::vector<std::string> reports;
void note(std::string_view line) { reports.emplace_back(line); }

Options parse(std::string_view list) {
  reports.clear();
  Options parsed;
  parse_options(list, parsed, note);
  return parsed;
}

bool same(const Options& a, const Options& b) {
  for (const OptionInfo& info : option_table()) {
    if (value_of(info, a) != value_of(info, b)) return false;
  }
  return a.fail.interval == b.fail.interval && a.fail.min == b.fail.min && a.fail.max == b.fail.max &&
         a.fail.times == b.fail.times && a.slab_debug_caches.view() == b.slab_debug_caches.view();
}

void expect_in_range(const Options& parsed) {
  for (const OptionInfo& info : option_table()) {
    FUZZ_EXPECT(value_of(info, parsed) >= info.min && value_of(info, parsed) <= info.max);
  }
  FUZZ_EXPECT(parsed.fail.interval >= 1 && parsed.fail.min <= parsed.fail.max);
  const std::string_view names = parsed.slab_debug_caches.view();
  FUZZ_EXPECT(names.size() <= sizeof parsed.slab_debug_caches.text);
  // Names, separated by single commas.
  FUZZ_EXPECT(names.empty() || (names.front() != ',' && names.back() != ','));
  FUZZ_EXPECT(names.find(",,") == names.npos && names.find_first_of(" \t\n:;") == names.npos);
}

// Counts lines, each of which is bounded, at most one for each item. os::say removes what is not text when it writes
// them.
void expect_lines(std::string_view list) {
  for (const std::string& line : reports) FUZZ_EXPECT(line.starts_with("ASHLAR_OPTIONS: ") && line.size() <= 500);
  const auto separators =
      static_cast<size_t>(std::count_if(list.begin(), list.end(), [](char c) { return strchr(",: \t\n", c); }));
  FUZZ_EXPECT(reports.size() <= separators + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view list(reinterpret_cast<const char*>(data), size);
  const Options parsed = parse(list);
  const size_t complaints = reports.size();
  expect_in_range(parsed);
  expect_lines(list);
  FUZZ_EXPECT(same(parse(list), parsed));
  // The same list twice, and with separators around it, must have the same effect.
  const std::string twice = std::string(list) + "," + std::string(list) + ",,";
  FUZZ_EXPECT(same(parse(twice), parsed) || complaints != 0 || parsed.slab_debug != 0 || parsed.failslab != 0);
  expect_lines(twice);
  return 0;
}
