// tool: `ashlar smaps`: the mappings of a process, and Ashlar's purpose for each.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <map>

#include "tool/reader/purpose.h"
#include "tool/target.h"

namespace ashlar::tool {

namespace {

using nlohmann::json;
using reader::Mapping;

struct Figure {
  const char* head;
  const char* name;
  std::uint64_t Mapping::*value;
};
constexpr Figure kFigures[] = {
    {"Rss", "rss", &Mapping::rss},
    {"Pss", "pss", &Mapping::pss},
    {"Private_Dirty", "private_dirty", &Mapping::private_dirty},
    {"AnonHugePages", "anon_huge", &Mapping::anon_huge},
    {"Swap", "swap", &Mapping::swap},
    {"Private_Hugetlb", "private_hugetlb", &Mapping::hugetlb},
};

std::string access_of(const Mapping& m) {
  return {m.readable ? 'r' : '-', m.writable ? 'w' : '-', m.executable ? 'x' : '-', m.shared ? 's' : 'p'};
}

// Sums by purpose, in the order of first occurrence.
struct Total {
  std::string purpose;
  bool ashlar = false;
  Mapping sum;
  std::uint64_t bytes = 0;
};

void add_to(std::vector<Total>& totals, const reader::Purpose& purpose, const Mapping& m) {
  auto at = std::find_if(totals.begin(), totals.end(), [&](const Total& t) { return t.purpose == purpose.text; });
  if (at == totals.end()) at = totals.insert(at, {purpose.text, purpose.ashlar, {}, 0});
  at->bytes += m.bytes();
  for (const Figure& f : kFigures) at->sum.*f.value += m.*f.value;
}

std::vector<std::string> cells_of(const Mapping& m, const std::string& first, const std::string& second,
                                  std::uint64_t bytes) {
  std::vector<std::string> cells = {first, second, std::to_string(bytes / 1024)};
  for (const Figure& f : kFigures) cells.push_back(std::to_string(m.*f.value / 1024));
  return cells;
}

std::vector<Table::Column> columns(const char* first, const char* second) {
  std::vector<Table::Column> columns = {{first, Table::Align::kLeft}, {second, Table::Align::kLeft}, {"KiB"}};
  for (const Figure& f : kFigures) columns.push_back({f.head});
  return columns;
}

void print_text(const Output& output, const std::vector<Mapping>& mappings,
                const std::vector<reader::Purpose>& purposes) {
  std::vector<Total> totals;
  std::vector<Table::Column> heads = columns("address", "");
  heads.push_back({"what", Table::Align::kLeft});
  Table table(heads);
  for (std::size_t i = 0; i < mappings.size(); ++i) {
    const Mapping& m = mappings[i];
    std::vector<std::string> cells = cells_of(m, fmt::format("{:x}-{:x}", m.start, m.end), access_of(m), m.bytes());
    cells.push_back(purposes[i].text + (m.name.empty() ? "" : "  " + m.name));
    table.add(cells, purposes[i].ashlar ? Style::kGreen : Style::kPlain);
    add_to(totals, purposes[i], m);
  }
  table.print(output);
  output.print("\n");

  Table sums(columns("in all", ""));
  Total ashlar, all;
  for (const Total& t : totals) {
    sums.add(cells_of(t.sum, t.purpose, "", t.bytes), t.ashlar ? Style::kGreen : Style::kPlain);
    for (Total* const into : {&ashlar, &all}) {
      if (into == &ashlar && !t.ashlar) continue;
      into->bytes += t.bytes;
      for (const Figure& f : kFigures) into->sum.*f.value += t.sum.*f.value;
    }
  }
  sums.add(cells_of(ashlar.sum, "Ashlar's mappings", "", ashlar.bytes), Style::kBold);
  sums.add(cells_of(all.sum, "all", "", all.bytes), Style::kBold);
  sums.print(output);
}

json json_of(const std::vector<Mapping>& mappings, const std::vector<reader::Purpose>& purposes) {
  json rows = json::array();
  for (std::size_t i = 0; i < mappings.size(); ++i) {
    const Mapping& m = mappings[i];
    json row = {{"start", m.start},
                {"end", m.end},
                {"access", access_of(m)},
                {"offset", m.offset},
                {"name", m.name},
                {"purpose", purposes[i].text},
                {"ashlar", purposes[i].ashlar}};
    for (const Figure& f : kFigures) row[f.name] = m.*f.value;
    rows.push_back(std::move(row));
  }
  return {{"mappings", rows}};
}

int smaps(const Output& output, const Target& target) {
  const auto source = target.open();
  const reader::Model model = reader::read_model(*source);
  const std::vector<reader::Purpose> purposes = reader::purposes_of(*source, model);
  if (output.json()) output.print_json(json_of(source->mappings(), purposes));
  else print_text(output, source->mappings(), purposes);
  return 0;
}

}  // namespace

Action declare_smaps(CLI::App& command) { return declare_report(command, smaps); }

}  // namespace ashlar::tool
