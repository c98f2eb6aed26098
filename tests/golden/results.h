// The figures of one entry point under one pattern and size, the golden file that keeps them, and the budgets.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace golden {

// Entry point, pattern, size in bytes.
using Key = std::tuple<std::string, std::string, int>;

struct Figure {
  int median = 0;
  double mean = 0;
};

Figure figure_of(std::vector<int> counts);
std::string describe(const Key& key, const Figure& figure);

using Figures = std::map<Key, Figure>;
Figures read_golden(const std::string& path);
void write_golden(const std::string& path, const Figures& figures);

// Prints what differs, old and new. A median must be equal. A mean may differ by half an instruction or a tenth,
// because it contains the slow paths. These read the clock now and then, and on a busy machine more time has passed.
bool same_as_golden(const Figures& golden, const Figures& now);

struct Budget {
  int median;
  std::optional<double> mean;
};

// The limit of a figure, or nothing if it has no budget.
std::optional<Budget> budget_of(const Key& key);
bool within_budget(const Key& key, const Figure& figure);

}  // namespace golden
