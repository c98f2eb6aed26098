// tool: `ashlar meminfo`: /proc/meminfo, each line explained, and what a process has of it.
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/error.h"
#include "tool/meminfo_lines.h"
#include "tool/output.h"
#include "tool/proc_file.h"
#include "tool/reader/reader.h"

namespace ashlar::tool {

namespace {

struct Settings {
  Output output;
  pid_t pid = 0;  // 0: the system alone
};

// Returns a process's lines of smaps_rollup, and those of status with "status:" before their names.
std::vector<ProcLine> shares_of(pid_t pid) {
  if (pid == 0) return {};
  std::vector<ProcLine> lines = proc_lines(read_proc(pid, "smaps_rollup"));
  for (ProcLine& line : proc_lines(read_proc(pid, "status"))) {
    line.name.insert(0, "status:");
    lines.push_back(std::move(line));
  }
  return lines;
}

std::optional<std::uint64_t> share_of(const MeminfoLine* known, const std::vector<ProcLine>& shares) {
  if (known == nullptr || known->share[0].empty()) return std::nullopt;
  std::optional<std::uint64_t> sum;
  for (const std::string_view name : known->share) {
    if (const auto value = name.empty() ? std::nullopt : value_of(shares, std::string(name)))
      sum = sum.value_or(0) + *value;
  }
  return sum;
}

std::string shown(std::uint64_t value, bool bytes) {
  return bytes ? fmt::format("{} kB", value / 1024) : fmt::format("{}", value);
}

// Returns the sum of the process's own swap areas, which is empty if it has none or has no Ashlar.
reader::SwapArea areas_of(pid_t pid) {
  if (pid == 0) return {};
  try {
    return reader::read_model(*reader::Source::live(pid)).swap_sum();
  } catch (const Failure&) {
    return {};
  }
}

void print_text(const Settings& settings, const std::vector<ProcLine>& lines, const std::vector<ProcLine>& shares,
                const reader::SwapArea& areas) {
  const bool with_process = settings.pid != 0;
  std::vector<Table::Column> columns = {{"", Table::Align::kLeft}, {"system"}};
  if (with_process)
    columns.push_back({fmt::format("{} {}", reader::single_line(process_name(settings.pid)), settings.pid)});
  columns.push_back({"meaning", Table::Align::kLeft});
  Table table(columns);
  for (const ProcLine& line : lines) {
    const MeminfoLine* const known = meminfo_line(line.name);
    const auto share = share_of(known, shares);
    std::vector<std::string> cells = {line.name, shown(line.value, line.bytes)};
    if (with_process) cells.push_back(share ? shown(*share, true) : "");
    cells.emplace_back(known != nullptr ? known->meaning : "(not known to this version of ashlar)");
    table.add(std::move(cells));
    if (line.name != "SwapFree" || !areas.on) continue;
    table.add({"SwapAreaTotal", "", shown(areas.bytes(), true), "swap areas of the process, which SwapTotal lacks"});
    table.add({"SwapAreaFree", "", shown(areas.bytes() - areas.used, true), "the part of them that is not in use"});
  }
  table.print(settings.output);
}

void print_json(const Settings& settings, const std::vector<ProcLine>& lines, const std::vector<ProcLine>& shares,
                const reader::SwapArea& areas) {
  nlohmann::ordered_json out;
  if (settings.pid != 0) out["process"] = {{"pid", settings.pid}, {"name", process_name(settings.pid)}};
  out["lines"] = nlohmann::ordered_json::array();
  for (const ProcLine& line : lines) {
    const MeminfoLine* const known = meminfo_line(line.name);
    const auto share = share_of(known, shares);
    nlohmann::ordered_json item = {
        {"name", line.name}, {"value", line.value}, {"unit", line.bytes ? "bytes" : "pages"}};
    item["meaning"] = known != nullptr ? nlohmann::ordered_json(known->meaning) : nlohmann::ordered_json();
    if (settings.pid != 0) item["share"] = share ? nlohmann::ordered_json(*share) : nlohmann::ordered_json();
    out["lines"].push_back(std::move(item));
  }
  if (areas.on) out["swap_areas"] = {{"total", areas.bytes()}, {"free", areas.bytes() - areas.used}};
  settings.output.print_json(out);
}

int meminfo(const Settings& settings) {
  const std::vector<ProcLine> lines = proc_lines(read_proc(0, "meminfo"));
  const std::vector<ProcLine> shares = shares_of(settings.pid);
  const reader::SwapArea areas = areas_of(settings.pid);
  if (settings.output.json()) print_json(settings, lines, shares, areas);
  else print_text(settings, lines, shares, areas);
  return 0;
}

}  // namespace

Action declare_meminfo(CLI::App& command) {
  const auto settings = std::make_shared<Settings>();
  settings->output.declare(command);
  add_pid(command, settings->pid, "Show this process's share beside each line");
  return [settings] { return meminfo(*settings); };
}

}  // namespace ashlar::tool
