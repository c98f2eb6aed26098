// tool: what `ashlar top` shows, as lines and as JSON.
#include <algorithm>
#include <cmath>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tool/top.h"

namespace ashlar::tool {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kBarWidth = 60;

struct Part {
  const char* name;
  char letter;
  Style style;
  std::uint64_t bytes;
};

std::vector<Part> parts_of(const reader::Split& s) {
  return {{"live", '#', Style::kGreen, s.live()},
          {"free", '=', Style::kYellow, s.free()},
          {"Ashlar's own", '+', Style::kCyan, s.own()},
          {"not Ashlar's", '.', Style::kDim, s.not_ashlar()}};
}

Line bar(const std::vector<Part>& parts) {
  std::uint64_t sum = 0, before = 0;
  for (const Part& part : parts) sum += part.bytes;
  Line line = {{"["}};
  for (const Part& part : parts) {
    // The ends are rounded, not the lengths: they add up to the width.
    const std::uint64_t from = sum != 0 ? before * kBarWidth / sum : 0;
    before += part.bytes;
    const std::uint64_t to = sum != 0 ? before * kBarWidth / sum : 0;
    line.push_back({std::string(to - from, part.letter), part.style});
  }
  line.push_back({"]"});
  return line;
}

Line head(const std::string& what) {
  return {{fmt::format("ashlar top - {:%H:%M:%S}  ", fmt::localtime(std::time(nullptr)))}, {what, Style::kBold}};
}

void add_split(std::vector<Line>& lines, const Change& change) {
  const reader::Split& s = change.now.split;
  const std::vector<Part> parts = parts_of(s);
  Line sums = {{"resident "}, {human_bytes(s.process_rss), Style::kBold}, {" ("}};
  sums.push_back({byte_rate(change.resident_rate()), style_of(change.resident_rate())});
  sums.push_back({")"});
  for (const Part& part : parts) {
    sums.push_back({fmt::format("  {} ", part.letter)});
    sums.push_back({fmt::format("{} {}", part.name, human_bytes(part.bytes)), part.style});
  }
  lines.push_back(sums);
  lines.push_back(bar(parts));
  lines.push_back({{fmt::format("live: slabs {}, runs {}, vmalloc {} (", human_bytes(s.live_slab),
                                human_bytes(s.live_runs), human_bytes(s.live_vmalloc))},
                   {byte_rate(change.live_rate()), style_of(change.live_rate())},
                   {")"}});
  lines.push_back(
      {{fmt::format("free: slabs {}, magazines {}, depots {}, dirty pages {};  swapped {}, huge pages {}",
                    human_bytes(s.slab_free + s.slab_uncarved + s.slab_tail), human_bytes(s.magazines),
                    human_bytes(s.depot), human_bytes(s.dirty_free), human_bytes(s.swapped), human_bytes(s.huge))}});
}

struct Row {
  std::string name;
  CacheSample now;
  std::optional<double> live_rate, out_rate, byte_rate;  // per second; the last of the slabs
};

std::vector<Row> rows_of(const Change& change, Sort sort) {
  std::vector<Row> rows;
  for (const auto& [name, now] : change.now.caches) {
    Row row{name, now, {}, {}, {}};
    if (const CacheSample* const before = change.earlier(name)) {
      row.live_rate = change.rate(static_cast<double>(now.live), static_cast<double>(before->live));
      row.out_rate = change.rate(static_cast<double>(now.out), static_cast<double>(before->out));
      row.byte_rate = change.rate(static_cast<double>(now.bytes), static_cast<double>(before->bytes));
    }
    rows.push_back(std::move(row));
  }
  const auto key = [sort](const Row& row) {
    const double size = static_cast<double>(row.now.object_size);
    if (sort == Sort::kLive) return static_cast<double>(row.now.live) * size;
    if (sort == Sort::kSize) return static_cast<double>(row.now.bytes);
    return std::fabs(row.live_rate.value_or(0)) * size + std::fabs(row.out_rate.value_or(0)) * size;
  };
  std::sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    return key(a) != key(b)             ? key(a) > key(b)
           : a.now.bytes != b.now.bytes ? a.now.bytes > b.now.bytes
                                        : a.name < b.name;
  });
  return rows;
}

Json rate_json(std::optional<double> rate) { return rate ? Json(*rate) : Json(); }

void add_cache_lines(std::vector<Line>& lines, const Change& change, Sort sort) {
  constexpr const char* kRow = "{:<20} {:>8} {:>11} {:>10} {:>10} {:>10} {:>6} {:>8} {:>10} {:>13}";
  lines.push_back({{fmt::format(kRow, "cache", "object", "live", "live/s", "cached", "out/s", "use%", "slabs",
                                "in slabs", "growth"),
                    Style::kBold}});
  for (const Row& row : rows_of(change, sort)) {
    const CacheSample& c = row.now;
    const double use = c.capacity == 0 ? 0 : 100.0 * static_cast<double>(c.live) / static_cast<double>(c.capacity);
    lines.push_back({{fmt::format(kRow, row.name, c.object_size, c.live, object_rate(row.live_rate), c.cached,
                                  object_rate(row.out_rate), fmt::format("{:.0f}", use), c.slabs, human_bytes(c.bytes),
                                  byte_rate(row.byte_rate)),
                      style_of(row.live_rate)}});
  }
}

}  // namespace

std::string byte_rate(std::optional<double> rate) {
  if (!rate) return "-";
  return fmt::format("{}{}/s", *rate < 0 ? '-' : '+', human_bytes(static_cast<std::uint64_t>(std::fabs(*rate))));
}

std::string object_rate(std::optional<double> rate) { return rate ? fmt::format("{:+.0f}", *rate) : "-"; }

Style style_of(std::optional<double> rate) {
  if (!rate || std::fabs(*rate) < 1) return Style::kPlain;
  return *rate > 0 ? Style::kRed : Style::kGreen;
}

std::vector<Line> process_lines(const Change& change, Sort sort, View view) {
  const Sample& now = change.now;
  std::vector<Line> lines = {head(now.title)};
  lines.back().push_back({fmt::format("  Ashlar {}, {} thread{} with a heap{}", now.version, now.threads,
                                      now.threads == 1 ? "" : "s", now.approximate ? ", figures approximate" : "")});
  add_split(lines, change);
  lines.push_back({});
  if (view == View::kSites) add_site_lines(lines, change, sort);
  else add_cache_lines(lines, change, sort);
  return lines;
}

std::vector<Line> list_lines(const std::vector<Change>& all) {
  std::vector<Line> lines = {head(fmt::format("{} process{} with Ashlar", all.size(), all.size() == 1 ? "" : "es")),
                             {}};
  constexpr const char* kRow = "{:>8} {:<16} {:>10} {:>10} {:>10} {:>10} {:>12} {:>8} {:>13}";
  lines.push_back(
      {{fmt::format(kRow, "PID", "name", "resident", "live", "free", "own", "not Ashlar's", "threads", "growth"),
        Style::kBold}});
  for (const Change& change : all) {
    const Sample& now = change.now;
    if (!now.failure.empty()) {
      lines.push_back({{fmt::format("{:>8} {}", now.pid, now.failure), Style::kDim}});
      continue;
    }
    const std::vector<Part> parts = parts_of(now.split);
    lines.push_back({{fmt::format(kRow, now.pid, reader::single_line(now.name), human_bytes(now.split.process_rss),
                                  human_bytes(parts[0].bytes), human_bytes(parts[1].bytes), human_bytes(parts[2].bytes),
                                  human_bytes(parts[3].bytes), now.threads, byte_rate(change.resident_rate())),
                      style_of(change.resident_rate())}});
  }
  return lines;
}

Json process_json(const Change& change, View view) {
  const Sample& now = change.now;
  Json out = {{"pid", now.pid}};
  if (!now.failure.empty()) {
    out["failure"] = now.failure;
    return out;
  }
  const reader::Split& s = now.split;
  out.update(
      {{"name", now.name}, {"version", now.version}, {"threads", now.threads}, {"approximate", now.approximate}});
  out.update({{"resident", s.process_rss}, {"resident_per_second", rate_json(change.resident_rate())}});
  out.update({{"live", s.live()}, {"live_per_second", rate_json(change.live_rate())}});
  out.update({{"live_slab", s.live_slab},
              {"live_runs", s.live_runs},
              {"live_vmalloc", s.live_vmalloc},
              {"live_checked", s.live_checked}});
  out.update({{"free", s.free()}, {"own", s.own()}, {"not_ashlar", s.not_ashlar()}});
  out.update({{"swapped", s.swapped}, {"huge", s.huge}});
  Json& caches = out["caches"] = Json::array();
  for (const Row& row : rows_of(change, Sort::kGrowth)) {
    const CacheSample& c = row.now;
    Json item = {{"name", row.name}, {"object_size", c.object_size}, {"live", c.live}};
    item.update({{"live_per_second", rate_json(row.live_rate)}, {"cached", c.cached}, {"out", c.out}});
    item.update({{"out_per_second", rate_json(row.out_rate)}, {"slabs", c.slabs}, {"slab_bytes", c.bytes}});
    caches.push_back(std::move(item));
  }
  if (view == View::kSites) out["sites"] = sites_json(change);
  return out;
}

}  // namespace ashlar::tool
