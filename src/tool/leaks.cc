// tool: `ashlar leaks`: the blocks that nothing points to.
#include "tool/leaks.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <thread>
#include <unordered_map>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tool/arguments.h"
#include "tool/heap_scan.h"
#include "tool/target.h"

namespace ashlar::tool {

namespace {

using nlohmann::json;
using reader::HeapBlock;
using reader::Leaks;
using reader::Model;
using reader::Source;

struct Settings {
  Output output;
  Target target;
  ScanOptions scan;
  std::size_t top = kLeaksShown;
  std::uint64_t min = 0;
};

struct Sums {
  std::uint64_t blocks = 0, bytes = 0, direct_blocks = 0, direct_bytes = 0;

  void add(std::uint64_t size, bool direct) {
    ++blocks;
    bytes += size;
    if (!direct) return;
    ++direct_blocks;
    direct_bytes += size;
  }
};

struct Leak {
  std::uint64_t start = 0, bytes = 0;
  std::uint64_t requested = 0;  // 0: not known
  std::string in;               // its class
  bool direct = false;
};

struct Size {
  std::uint64_t bytes = 0;
  bool direct = false;
};

struct Report {
  Leaks::Count live;
  Sums all;
  std::map<std::string, Sums> classes;
  std::map<std::vector<std::string>, Sums> sites;  // by functions, the innermost first
  std::vector<Leak> largest;                       // at most the number to be shown
  reader::SampledBlocks sampled;                   // of the leaked blocks, until they are named
  std::unordered_map<std::uint64_t, Size> sizes;   // and their sizes, by address
  std::size_t threads = 0, threads_in_part = 0;
  bool approximate = false;
  bool running = false;  // it was not stopped, so --stop makes the report exact
};

bool is_larger(const Leak& a, const Leak& b) { return a.bytes != b.bytes ? a.bytes > b.bytes : a.start < b.start; }

// Keeps a binary heap with the smallest leak on top.
void keep_largest(std::vector<Leak>& largest, Leak leak, std::size_t max) {
  if (max == 0 || (largest.size() == max && !is_larger(leak, largest.front()))) return;
  if (largest.size() == max) {
    std::pop_heap(largest.begin(), largest.end(), is_larger);
    largest.pop_back();
  }
  largest.push_back(std::move(leak));
  std::push_heap(largest.begin(), largest.end(), is_larger);
}

// Must not be called while the process is stopped, as it reads files.
void name_sites(Report& report, const Source& source) {
  if (report.sampled.blocks.empty()) return;
  std::unordered_map<std::uint64_t, Leak*> shown;
  for (Leak& leak : report.largest) shown[leak.start] = &leak;
  const auto functions = functions_of(source, report.sampled.sites);
  for (const reader::SampledBlock& block : report.sampled.blocks) {
    const Size& leak = report.sizes.at(block.address);
    report.sites[functions[block.site]].add(leak.bytes, leak.direct);
    if (const auto at = shown.find(block.address); at != shown.end()) at->second->requested = block.requested;
  }
}

Report report_of(const Settings& settings, Source& source, const Model& model, const Leaks& leaks) {
  Report report;
  report.live = leaks.live();
  report.approximate = model.approximate || !leaks.whole();
  auto& sizes = report.sizes;
  const bool sampled = reader::was_sampled(source);
  leaks.for_each([&](const HeapBlock& block, bool direct) {
    if (block.bytes < settings.min) return;
    const std::string in = class_of(model, block);
    report.all.add(block.bytes, direct);
    report.classes[in].add(block.bytes, direct);
    keep_largest(report.largest, {block.start, block.bytes, block.requested, in, direct}, settings.top);
    if (sampled) sizes[block.start] = {block.bytes, direct};
  });
  std::sort_heap(report.largest.begin(), report.largest.end(), is_larger);
  if (!sizes.empty()) {
    report.sampled = reader::read_sampled_blocks(
        source, [&](std::uint64_t address) { return sizes.contains(address); }, sizes.size());
  }
  return report;
}

Report finish(const Settings& settings, Source& source, const Model& model, const reader::Roots& roots, Leaks& leaks) {
  leaks.find_indirect();
  Report report = report_of(settings, source, model, leaks);
  report.threads = roots.threads.size();
  report.threads_in_part = roots.threads_in_part();
  return report;
}

Report scan_once(const Settings& settings, Source& source, const Model& model, const reader::Roots& roots) {
  Leaks leaks(source, model, roots);
  return finish(settings, source, model, roots, leaks);
}

// A running process moves its pointers while they are read, so a block is a leak only if several scans do not reach it.
// Two are not enough for a busy process: it allocates again at the addresses that it has freed, so that another block
// that is just being moved may lie at an address that the first scan did not reach. So the scans go on until one
// confirms all blocks of those before. If none does, the report is approximate.
Report scan_running(const Settings& settings, Source& source) {
  constexpr unsigned kMaxScans = 6;
  std::vector<std::uint64_t> unreached;  // by all scans before
  bool approximate = false;
  for (unsigned scans = 1;; ++scans) {
    const Model model = reader::read_model(source);
    const reader::Roots roots = settings.scan.roots(source, model, nullptr);
    Leaks leaks(source, model, roots);
    if (scans != 1) leaks.keep_those_of(unreached);
    std::vector<std::uint64_t> left = leaks.addresses();
    // what a scan did not see of the heap, no later one adds to the leaks
    approximate = approximate || model.approximate || !leaks.whole();
    const bool confirmed = left.empty() || (scans != 1 && left.size() == unreached.size());
    if (confirmed || scans == kMaxScans) {
      Report report = finish(settings, source, model, roots, leaks);
      report.approximate = report.approximate || approximate || !confirmed;
      report.running = true;
      return report;
    }
    unreached = std::move(left);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    source.refresh();
  }
}

// A stopped process and a core file need one scan, as their memory is of one moment.
Report scan(const Settings& settings, Source& source) {
  auto stopped = settings.scan.stop(source);
  Report report;
  if (stopped == nullptr && !source.is_core()) {
    report = scan_running(settings, source);
  } else {
    if (stopped != nullptr) source.refresh();
    const Model model = reader::read_model(source);
    report = scan_once(settings, source, model, settings.scan.roots(source, model, stopped.get()));
    stopped.reset();
  }
  name_sites(report, source);
  return report;
}

template <class Key>
std::vector<std::pair<Key, Sums>> by_bytes(const std::map<Key, Sums>& from) {
  std::vector<std::pair<Key, Sums>> rows(from.begin(), from.end());
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second.bytes > b.second.bytes; });
  return rows;
}

json value_of(const Sums& sums) {
  return {{"blocks", sums.blocks},
          {"bytes", sums.bytes},
          {"direct_blocks", sums.direct_blocks},
          {"direct_bytes", sums.direct_bytes}};
}

void print_json(const Settings& settings, const Source& source, const Report& report) {
  json out;
  out["process"] = {{"pid", source.pid()}, {"name", source.name()}, {"core", source.is_core()}};
  out["approximate"] = report.approximate;
  out["live"] = {{"blocks", report.live.blocks}, {"bytes", report.live.bytes}};
  out["leaked"] = value_of(report.all);
  out["threads"] = {{"all", report.threads}, {"registers_not_known", report.threads_in_part}};
  json& classes = out["classes"] = json::array();
  for (const auto& [name, sums] : by_bytes(report.classes)) {
    json row = value_of(sums);
    row["class"] = name;
    classes.push_back(std::move(row));
  }
  json& sites = out["sites"] = json::array();
  for (const auto& [functions, sums] : by_bytes(report.sites)) {
    json row = value_of(sums);
    row["stack"] = functions;
    sites.push_back(std::move(row));
  }
  json& blocks = out["blocks"] = json::array();
  for (const Leak& leak : report.largest) {
    json row = {{"address", leak.start}, {"bytes", leak.bytes}, {"direct", leak.direct}, {"class", leak.in}};
    if (leak.requested != 0) row["requested"] = leak.requested;
    blocks.push_back(std::move(row));
  }
  settings.output.print_json(out);
}

void print_sums(const Output& output, const std::string& head, const std::vector<std::pair<std::string, Sums>>& rows) {
  Table table({{"blocks"}, {"bytes"}, {"direct"}, {"bytes"}, {head, Table::Align::kLeft}});
  for (const auto& [name, sums] : rows) {
    table.add({std::to_string(sums.blocks), std::to_string(sums.bytes), std::to_string(sums.direct_blocks),
               std::to_string(sums.direct_bytes), name});
  }
  table.print(output);
}

void print_sites(const Settings& settings, const Report& report) {
  std::vector<std::pair<std::string, Sums>> rows;
  for (const auto& [functions, sums] : by_bytes(report.sites)) {
    if (rows.size() == settings.top) break;
    constexpr std::size_t kFrames = 12;
    std::string stack = functions.empty() ? "[no stack]" : "";
    for (std::size_t i = 0; i < functions.size() && i < kFrames; ++i) stack += (i == 0 ? "" : " < ") + functions[i];
    rows.emplace_back(functions.size() > kFrames ? stack + " < ..." : stack, sums);
  }
  settings.output.print("\n");
  print_sums(settings.output, "allocated by", rows);
}

void print_largest(const Output& output, const Report& report) {
  Table table({{"address"}, {"bytes"}, {"asked for"}, {"leaked", Table::Align::kLeft}, {"class", Table::Align::kLeft}});
  for (const Leak& leak : report.largest) {
    table.add({fmt::format("0x{:x}", leak.start), std::to_string(leak.bytes),
               leak.requested != 0 ? std::to_string(leak.requested) : "", leak.direct ? "directly" : "indirectly",
               leak.in});
  }
  output.print("\n");
  table.print(output);
}

void print(const Settings& settings, const Source& source, const Report& report) {
  const Output& output = settings.output;
  const Sums& all = report.all;
  output.print(fmt::format("{}: nothing points to {} of {} live blocks, {} of {}.\n", source.title(), all.blocks,
                           report.live.blocks, human_bytes(all.bytes), human_bytes(report.live.bytes)),
               Style::kBold);
  print_doubts(output, report.threads_in_part, report.threads, report.approximate, report.running);
  if (all.blocks == 0) return;
  output.print(fmt::format("{} are leaked directly. Only other leaked blocks point to the other {}.\n\n",
                           all.direct_blocks, all.blocks - all.direct_blocks));
  print_sums(output, "class", by_bytes(report.classes));
  if (!report.sites.empty()) print_sites(settings, report);
  if (!report.largest.empty()) print_largest(output, report);
}

int leaks(const Settings& settings) {
  const auto source = settings.target.open();
  const Report report = scan(settings, *source);
  if (settings.output.json()) print_json(settings, *source, report);
  else print(settings, *source, report);
  return 0;
}

}  // namespace

void print_leaks_at_end(Source& source, std::vector<reader::ThreadState> threads) {
  const Settings settings;
  const Model model = reader::read_model(source);
  Report report = scan_once(settings, source, model, reader::find_roots(source, model, std::move(threads)));
  name_sites(report, source);
  print(settings, source, report);
}

Action declare_leaks(CLI::App& command) {
  const auto settings = std::make_shared<Settings>();
  settings->output.declare(command);
  settings->target.declare(command);
  settings->scan.declare(command);
  add_count(
      command, "--top", [&top = settings->top](std::uint32_t n) { top = n; }, 0, kMaxRows,
      "How many blocks and stacks to show; default: 20");
  add_bytes(command, "--min", settings->min, "Leave out blocks smaller than this");
  return [settings] { return leaks(*settings); };
}

}  // namespace ashlar::tool
