// tool: what `ashlar trace` shows of a trace, as text (trace_text.cc) and as JSON (trace_json.cc).
#pragma once

#include <nlohmann/json.hpp>

#include "tool/output.h"
#include "tool/trace_sums.h"
#include "tool/trace_window.h"

namespace ashlar::tool {

// What of a trace is shown.
struct TracePart {
  bool whole = true;
  TraceWindow::Beginning begin;
};

inline constexpr const char* kTraceKinds[] = {"",      "malloc",  "calloc", "aligned_alloc", "new",
                                              "new[]", "realloc", "free",   "delete",        "delete[]",
                                              "time",  "thread",  "left"};
static_assert(std::size(kTraceKinds) == static_cast<std::size_t>(Op::kCount));

// Returns the largest value that a bucket of a Histogram counts.
inline std::uint64_t bucket_end(std::size_t bucket) {
  return bucket >= 64 ? UINT64_MAX : (std::uint64_t{1} << bucket) - 1;
}

// Returns the sizes that most calls asked for, each with the count of its calls (trace_json.cc).
std::vector<std::pair<std::uint64_t, std::uint64_t>> hottest_sizes(const TraceSums& sums);

nlohmann::ordered_json trace_json(const TraceFile& trace, const TraceSums& sums, const TracePart& part);

void print_trace(const Output& output, const TraceFile& trace, const TraceSums& sums, const TracePart& part);

}  // namespace ashlar::tool
