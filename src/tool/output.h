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

// The options --json and --color of a command, and what follows from them.
class Output {
 public:
  // Adds --json and --color to a command. The object must live as long as the command's action.
  void declare(CLI::App& command);
  // Adds --color only, for a command that has no JSON form.
  void declare_color(CLI::App& command);

  [[nodiscard]] bool json() const { return json_; }
  // --color=always, or =auto with stdout a terminal that knows colours and NO_COLOR (https://no-color.org) not set.
  [[nodiscard]] bool coloured() const;

  // Writes to stdout, in a style where there is colour. All that a command writes goes through here and is made
  // printable (printable.h). Errors of stdout are noticed by main, once, at the end.
  void print(std::string_view text, Style style = Style::kPlain) const;
  void print_json(const nlohmann::json& value) const;
  void print_json(const nlohmann::ordered_json& value) const;

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

  // A row; missing cells are empty. The style is the whole row's.
  void add(std::vector<std::string> cells, Style style = Style::kPlain);

  // Writes the lines. No line of heads where all heads are empty.
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

// 1536 → "1.5 KiB"; below 1 KiB "N B". At most four digits, as people read sizes.
std::string human_bytes(std::uint64_t bytes);

// 5 KiB of 20 KiB → "25.0 %"; of nothing "-".
std::string percent(std::uint64_t part, std::uint64_t whole);

}  // namespace ashlar::tool
