// tool: how a command writes: for people (tables, colour on a terminal) or as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace CLI {
class App;
}

namespace ashlar::tool {

enum class Style : std::uint8_t { kPlain, kBold, kDim, kRed, kGreen, kYellow, kBlue, kCyan };

// The options --json and --color of a command, and the output that they select.
class Output {
 public:
  // Adds --json and --color to a command. The object must live as long as the command's action.
  void declare(CLI::App& command);
  // Adds --color only, for a command that has no JSON form.
  void declare_color(CLI::App& command);

  [[nodiscard]] bool json() const { return json_; }
  // Returns whether the output has colours: with --color=always, or with =auto if stdout is a terminal that supports
  // colours and NO_COLOR (https://no-color.org) is not set.
  [[nodiscard]] bool coloured() const;

  // Writes to stdout, in a style if the output is coloured. All output of a command goes through this function, which
  // makes it printable (printable.h). main checks stdout for errors once, at the end, by `flush`.
  void print(std::string_view text, Style style = Style::kPlain) const;
  void print_json(const nlohmann::json& value) const;
  void print_json(const nlohmann::ordered_json& value) const;

  // Writes what is buffered. Returns 0, or the errno of the first write that failed.
  static int flush();

 private:
  bool json_ = false;
  std::string color_ = "auto";
};

// Columns of text, each as wide as its widest cell, two spaces between them.
class Table {
 public:
  enum class Align : std::uint8_t { kLeft, kRight };
  struct Column {
    std::string head;
    Align align = Align::kRight;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // Adds a row. Missing cells are empty. The style is that of the whole row.
  void add(std::vector<std::string> cells, Style style = Style::kPlain);

  // Writes the lines. There is no head line if all heads are empty.
  void print(const Output& output) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    Style style;
  };
  [[nodiscard]] std::string line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

// Returns a size with a unit and at most four digits: 1536 → "1.5 KiB"; below 1 KiB "N B".
std::string human_bytes(std::uint64_t bytes);

// Returns a share: 5 KiB of 20 KiB → "25.0 %". Returns "-" if the whole is 0.
std::string percent(std::uint64_t part, std::uint64_t whole);

}  // namespace ashlar::tool
