// tool: a trace's figures as JSON.
#include <algorithm>

#include "tool/trace_report.h"

namespace ashlar::tool {

using nlohmann::ordered_json;

std::vector<std::pair<std::uint64_t, std::uint64_t>> hottest_sizes(const TraceSums& sums) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> all(sums.by_size.begin(), sums.by_size.end());
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  constexpr std::size_t kMaxSizesShown = 10;
  if (all.size() > kMaxSizesShown) all.resize(kMaxSizesShown);
  return all;
}

namespace {

ordered_json json_of(const Histogram& histogram) {
  ordered_json rows = ordered_json::array();
  for (std::size_t i = 0; i < histogram.size(); ++i) {
    if (histogram[i] != 0) rows.push_back({{"up_to", bucket_end(i)}, {"count", histogram[i]}});
  }
  return rows;
}

ordered_json json_of(const TraceSums::Moment& moment) {
  return {{"call", moment.number}, {"ns", moment.ns}, {"bytes", moment.bytes}, {"blocks", moment.blocks}};
}

ordered_json resizes_json(const TraceSums& sums) {
  return {{"in_place", sums.resized_in_place},
          {"moved", sums.resized_by_moving},
          {"grown", sums.grown},
          {"shrunk", sums.shrunk},
          {"chains", json_of(sums.resizes)}};
}

}  // namespace

ordered_json trace_json(const TraceFile& trace, const TraceSums& sums, const TracePart& part) {
  ordered_json kinds, rounding, alignments, sizes = ordered_json::array(), threads = ordered_json::array(),
                                            pairs = ordered_json::array(), moments = ordered_json::array();
  for (std::size_t i = 1; i < static_cast<std::size_t>(Op::kTime); ++i) kinds[kTraceKinds[i]] = sums.by_kind[i];
  for (std::size_t i = 0; i < sums.alignments.size(); ++i) {
    if (sums.alignments[i] != 0) alignments[std::to_string(std::uint64_t{1} << i)] = sums.alignments[i];
  }
  for (const auto& [size, count] : hottest_sizes(sums)) sizes.push_back({{"bytes", size}, {"count", count}});
  for (const auto& [thread, calls] : sums.by_thread) threads.push_back({{"thread", thread}, {"calls", calls}});
  for (const auto& [pair, count] : sums.freed_by)
    pairs.push_back({{"allocated_by", pair.first}, {"freed_by", pair.second}, {"count", count}});
  for (const TraceSums::Moment& moment : sums.moments) moments.push_back(json_of(moment));
  for (std::size_t i = 0; i < Rounding::kAllocators; ++i) rounding[Rounding::name(i)] = sums.rounding.peak()[i];
  return {{"name", trace.name()},
          {"process", trace.header().process},
          {"seconds", trace.header().seconds},
          {"forked", trace.header().parent != 0},
          {"attached", trace.header().live != 0},
          {"ended", trace.header().ended},
          {"calls", sums.calls()},
          {"file_bytes", trace.bytes_of_file()},
          {"by_kind", kinds},
          {"failed", sums.failed},
          {"freed_unknown", sums.freed_unknown},
          {"vanished", sums.vanished_blocks},
          {"allocated_bytes", sums.allocated_bytes},
          {"begin", {{"ns", part.begin.ns}, {"blocks", part.begin.blocks}}},
          {"peak", json_of(sums.peak)},
          {"end", json_of(sums.end)},
          {"rounded_at_peak", rounding},
          {"live", moments},
          {"sizes", json_of(sums.sizes)},
          {"hottest_sizes", sizes},
          {"alignments", alignments.is_null() ? ordered_json::object() : alignments},
          {"lifetimes_ns", json_of(sums.lifetimes_ns)},
          {"lifetimes_calls", json_of(sums.lifetimes_calls)},
          {"resizes", resizes_json(sums)},
          {"threads", threads},
          {"freed_by", pairs}};
}

}  // namespace ashlar::tool
