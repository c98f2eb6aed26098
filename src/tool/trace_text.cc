// tool: a trace's figures as text.
#include <algorithm>

#include <fmt/format.h>

#include "tool/trace_report.h"

namespace ashlar::tool {

namespace {

constexpr std::size_t kMaxThreadsShown = 8, kLines = 16;

std::string human_ns(std::uint64_t ns) {
  if (ns < 10'000) return fmt::format("{} ns", ns);
  if (ns < 10'000'000) return fmt::format("{} us", ns / 1000);
  if (ns < 10'000'000'000) return fmt::format("{} ms", ns / 1'000'000);
  return fmt::format("{} s", ns / 1'000'000'000);
}

std::string bar(std::uint64_t part, std::uint64_t whole) {
  constexpr std::uint64_t kWidth = 40;
  return std::string(whole == 0 ? 0 : static_cast<std::size_t>(part * kWidth / whole), '#');
}

std::uint64_t sum_of(const Histogram& histogram) {
  std::uint64_t sum = 0;
  for (const std::uint64_t n : histogram) sum += n;
  return sum;
}

void print_histogram(const Output& output, const std::string& head, const Histogram& histogram,
                     std::string (*name)(std::uint64_t)) {
  const std::uint64_t all = sum_of(histogram);
  if (all == 0) return;
  output.print("\n" + head + "\n", Style::kBold);
  Table table({{"up to"}, {"count"}, {"share"}, {"", Table::Align::kLeft}});
  for (std::size_t i = 0; i < histogram.size(); ++i) {
    if (histogram[i] == 0) continue;
    table.add({name(bucket_end(i)), std::to_string(histogram[i]), percent(histogram[i], all), bar(histogram[i], all)});
  }
  table.print(output);
}

std::string plain(std::uint64_t n) { return std::to_string(n); }

void print_head(const Output& output, const TraceFile& trace, const TraceSums& sums, const TracePart& part) {
  const std::uint64_t calls = sums.calls(), ns = sums.end.ns - std::min(sums.end.ns, part.begin.ns);
  std::string head =
      fmt::format("{} of process {} ({}): {} calls by {} {} in {}", part.whole ? "Trace" : "Part of the trace",
                  trace.header().process, trace.name(), calls, sums.by_thread.size(),
                  sums.by_thread.size() == 1 ? "thread" : "threads", human_ns(ns));
  if (part.whole) {
    head += fmt::format(", {:.1f} bytes of the file per call",
                        calls == 0 ? 0.0 : static_cast<double>(trace.bytes_of_file()) / static_cast<double>(calls));
  }
  output.print(head + "\n", Style::kBold);
  if (part.begin.blocks != 0) {
    output.print(
        fmt::format("{} of the calls are for blocks that are live where the part begins.\n", part.begin.blocks));
  }
  if (trace.header().parent != 0) output.print("It was forked: blocks of its parent are not in the trace.\n");
  if (trace.header().live != 0) output.print("It was running already: its earlier blocks are not in the trace.\n");
  if (trace.header().ended != 0)
    output.print(fmt::format("The trace ended before the program did (errno {}).\n", trace.header().ended));
  if (sums.freed_unknown != 0)
    output.print(fmt::format("{} blocks were freed whose allocations are not in the trace.\n", sums.freed_unknown));
  output.print(fmt::format("Live at the peak: {} in {} blocks, at call {}; at the end: {} in {} blocks\n",
                           human_bytes(sums.peak.bytes), sums.peak.blocks, sums.peak.number,
                           human_bytes(sums.end.bytes), sums.end.blocks));
}

void print_kinds(const Output& output, const TraceSums& sums) {
  output.print("\nCalls\n", Style::kBold);
  Table table({{"function", Table::Align::kLeft}, {"count"}, {"share"}});
  for (std::size_t i = 1; i < static_cast<std::size_t>(Op::kTime); ++i) {
    if (sums.by_kind[i] != 0)
      table.add({kTraceKinds[i], std::to_string(sums.by_kind[i]), percent(sums.by_kind[i], sums.calls())});
  }
  if (sums.failed != 0) table.add({"(failed)", std::to_string(sums.failed), percent(sums.failed, sums.calls())});
  table.print(output);
}

void print_moments(const Output& output, const TraceSums& sums) {
  if (sums.moments.empty()) return;
  output.print("\nLive bytes\n", Style::kBold);
  Table table({{"after call"}, {"time"}, {"bytes"}, {"blocks"}, {"", Table::Align::kLeft}});
  const std::size_t step = (sums.moments.size() + kLines - 1) / kLines;
  for (std::size_t i = step - 1; i < sums.moments.size(); i += step) {
    const TraceSums::Moment& moment = sums.moments[i];
    table.add({std::to_string(moment.number), human_ns(moment.ns), human_bytes(moment.bytes),
               std::to_string(moment.blocks), bar(moment.bytes, sums.peak.bytes)});
  }
  table.print(output);
}

void print_sizes(const Output& output, const TraceSums& sums) {
  print_histogram(output, "Sizes", sums.sizes, human_bytes);
  output.print("\nMost frequent sizes\n", Style::kBold);
  Table table({{"bytes"}, {"count"}, {"share"}});
  const std::uint64_t all = sum_of(sums.sizes);
  for (const auto& [size, count] : hottest_sizes(sums))
    table.add({std::to_string(size), std::to_string(count), percent(count, all)});
  table.print(output);
  if (std::all_of(sums.alignments.begin(), sums.alignments.end(), [](std::uint64_t n) { return n == 0; })) return;
  output.print("\nAlignments asked for\n", Style::kBold);
  Table alignments({{"bytes"}, {"count"}});
  for (std::size_t i = 0; i < sums.alignments.size(); ++i) {
    if (sums.alignments[i] != 0)
      alignments.add({std::to_string(std::uint64_t{1} << i), std::to_string(sums.alignments[i])});
  }
  alignments.print(output);
}

void print_resizes(const Output& output, const TraceSums& sums) {
  if (sums.resized_in_place + sums.resized_by_moving == 0) return;
  output.print(fmt::format("\nrealloc: {} in place, {} moved; {} to at least the size before, {} to less\n",
                           sums.resized_in_place, sums.resized_by_moving, sums.grown, sums.shrunk));
  print_histogram(output, "How often a freed block was resized (of the resized ones)", sums.resizes, plain);
}

// Prints the threads with most calls, a row each, with the threads that freed their blocks.
void print_threads(const Output& output, const TraceSums& sums) {
  if (sums.by_thread.size() < 2) return;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> threads(sums.by_thread.begin(), sums.by_thread.end());
  std::stable_sort(threads.begin(), threads.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  const std::size_t others = threads.size() > kMaxThreadsShown ? threads.size() - kMaxThreadsShown : 0;
  threads.resize(threads.size() - others);
  output.print("\nWho frees whose blocks\n", Style::kBold);
  std::vector<Table::Column> columns{{"thread"}, {"calls"}};
  for (const auto& [thread, calls] : threads) columns.push_back({fmt::format("freed by {}", thread)});
  Table table(columns);
  for (const auto& [thread, calls] : threads) {
    std::vector<std::string> cells{std::to_string(thread), std::to_string(calls)};
    for (const auto& [other, ignored] : threads) {
      const auto found = sums.freed_by.find({thread, other});
      cells.push_back(found != sums.freed_by.end() ? std::to_string(found->second) : "-");
    }
    table.add(cells);
  }
  table.print(output);
  if (others != 0)
    output.print(fmt::format("and {} threads with fewer calls; 0 stands for threads after their end\n", others));
}

// Prints the bytes at the peak of the requested bytes. The allocators' other overhead is not included.
void print_rounding(const Output& output, const TraceSums& sums) {
  if (sums.peak.bytes == 0) return;
  output.print("\nBytes at the peak, rounded up to the size classes of\n", Style::kBold);
  Table table({{"allocator", Table::Align::kLeft}, {"bytes"}, {"more"}});
  for (std::size_t i = 0; i < Rounding::kAllocators; ++i) {
    const std::uint64_t bytes = sums.rounding.peak()[i];
    table.add({Rounding::name(i), human_bytes(bytes), percent(bytes - sums.peak.bytes, sums.peak.bytes)});
  }
  table.print(output);
}

}  // namespace

void print_trace(const Output& output, const TraceFile& trace, const TraceSums& sums, const TracePart& part) {
  print_head(output, trace, sums, part);
  print_kinds(output, sums);
  print_moments(output, sums);
  print_sizes(output, sums);
  print_rounding(output, sums);
  print_histogram(output, "Lifetimes of freed blocks, in calls of the process", sums.lifetimes_calls, plain);
  print_histogram(output, "The same in time, exact to about 64 calls", sums.lifetimes_ns, human_ns);
  print_resizes(output, sums);
  print_threads(output, sums);
}

}  // namespace ashlar::tool
