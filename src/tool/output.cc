// tool: how a command writes.
#include "tool/output.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tool/printable.h"

namespace ashlar::tool {

namespace {

int first_error = 0;  // an errno

const char* escape_of(Style style) {
  switch (style) {
    case Style::kPlain: return "";
    case Style::kBold: return "\x1b[1m";
    case Style::kDim: return "\x1b[2m";
    case Style::kRed: return "\x1b[31m";
    case Style::kGreen: return "\x1b[32m";
    case Style::kYellow: return "\x1b[33m";
    case Style::kBlue: return "\x1b[34m";
    case Style::kCyan: return "\x1b[36m";
  }
  return "";
}

bool is_set(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

bool terminal_knows_colours() {
  const char* const term = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

}  // namespace

void Output::declare(CLI::App& command) {
  command.add_flag("--json", json_, "Write one JSON object instead of text");
  declare_color(command);
}

void Output::declare_color(CLI::App& command) {
  command
      .add_option("--color", color_,
                  "When to use colour: auto (on a terminal, unless NO_COLOR is set), always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN");
}

bool Output::coloured() const {
  if (color_ == "auto") return !is_set("NO_COLOR") && terminal_knows_colours();
  return color_ == "always";
}

void Output::print(std::string_view text, Style style) const {
  std::string out = printable(text);
  if (style != Style::kPlain && !text.empty() && coloured()) {
    const std::size_t end = out.find_last_not_of('\n') + 1;
    out = fmt::format("{}{}\x1b[0m{}", escape_of(style), out.substr(0, end), out.substr(end));
  }
  if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size() && first_error == 0) first_error = errno;
}

int Output::flush() {
  if (std::fflush(stdout) != 0 && first_error == 0) first_error = errno;
  if (first_error == 0 && std::ferror(stdout) != 0) first_error = EIO;
  return first_error;
}

// Names of files and programs may be any bytes. Bytes that are not UTF-8 are replaced, as JSON cannot represent them.
void Output::print_json(const nlohmann::json& value) const {
  print(value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}
void Output::print_json(const nlohmann::ordered_json& value) const {
  print(value.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

void Table::add(std::vector<std::string> cells, Style style) {
  cells.resize(columns_.size());
  for (std::string& cell : cells) cell = printable(cell);  // before its width is measured
  rows_.push_back({std::move(cells), style});
}

std::string Table::line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const {
  std::string out;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) out += "  ";
    out += columns_[i].align == Align::kRight ? fmt::format("{:>{}}", cells[i], widths[i])
                                              : fmt::format("{:<{}}", cells[i], widths[i]);
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

void Table::print(const Output& output) const {
  std::vector<std::string> heads;
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    heads.push_back(printable(columns_[i].head));
    widths.push_back(heads[i].size());
    for (const Row& row : rows_) widths[i] = std::max(widths[i], row.cells[i].size());
  }
  if (std::any_of(heads.begin(), heads.end(), [](const std::string& head) { return !head.empty(); }))
    output.print(line(heads, widths) + "\n", Style::kBold);
  for (const Row& row : rows_) output.print(line(row.cells, widths) + "\n", row.style);
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto n = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; n >= 1000 && unit + 1 < std::size(kUnits); ++unit) n /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.{}f} {}", n, n < 100 ? 1 : 0, kUnits[unit]);
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  return fmt::format("{:.1f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace ashlar::tool
