#include "results.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <sstream>
#include <stdexcept>

namespace golden {
namespace {

// The budgets are given for a call with its caller's instructions: load the argument, call, and for malloc store the
// result. A figure here begins with the first instruction of the function and ends with its ret.
constexpr int kCallersOfMalloc = 3;
constexpr int kCallersOfFree = 2;
constexpr double kMeanTolerance = 0.5;
// With batches of large objects some misses purge, depending on the clock. Their means differ by 13 % between runs.
constexpr double kMeanTolerancePercent = 15;

double tolerance(double mean) { return std::max(kMeanTolerance, mean * kMeanTolerancePercent / 100); }

}  // namespace

Figure figure_of(std::vector<int> counts) {
  if (counts.empty()) throw std::runtime_error("nothing was counted");
  std::sort(counts.begin(), counts.end());
  return {counts[counts.size() / 2],
          std::accumulate(counts.begin(), counts.end(), 0.0) / static_cast<double>(counts.size())};
}

std::string describe(const Key& key, const Figure& figure) {
  const auto& [entry, pattern, size] = key;
  char line[128];
  snprintf(line, sizeof line, "%-20s %-8s %5d  median %4d  mean %7.1f", entry.c_str(), pattern.c_str(), size,
           figure.median, figure.mean);
  return line;
}

Figures read_golden(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  Figures figures;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream columns(line.size() > 20 ? line.substr(20) : "");
    std::string entry = line.substr(0, 20), pattern, word;
    entry.erase(entry.find_last_not_of(' ') + 1);
    int size;
    Figure figure;
    if (!(columns >> pattern >> size >> word >> figure.median >> word >> figure.mean))
      throw std::runtime_error(path + ": cannot read the line: " + line);
    figures[{entry, pattern, size}] = figure;
  }
  return figures;
}

void write_golden(const std::string& path, const Figures& figures) {
  std::ofstream file(path);
  file << "# Instructions of the library from the first of each entry point to its ret; x86-64, release build.\n"
          "# Written by count_instructions --update (cmake --build --preset release --target update_golden).\n";
  for (const auto& [key, figure] : figures) {
    file << describe(key, figure) << '\n';
  }
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

bool same_as_golden(const Figures& golden, const Figures& now) {
  bool same = true;
  for (const auto& [key, figure] : now) {
    auto old = golden.find(key);
    if (old == golden.end()) {
      printf("new    %s\n", describe(key, figure).c_str());
      same = false;
    } else if (old->second.median != figure.median ||
               std::fabs(old->second.mean - figure.mean) > tolerance(old->second.mean)) {
      printf("golden %s\nnow    %s\n", describe(key, old->second).c_str(), describe(key, figure).c_str());
      same = false;
    }
  }
  for (const auto& [key, figure] : golden) {
    if (!now.contains(key)) {
      printf("gone   %s\n", describe(key, figure).c_str());
      same = false;
    }
  }
  return same;
}

std::optional<Budget> budget_of(const Key& key) {
  const auto& [entry, pattern, size] = key;
  if (entry != "malloc" && entry != "free") return std::nullopt;
  const bool acquires = entry == "malloc";
  const int callers = acquires ? kCallersOfMalloc : kCallersOfFree;
  if (size > 1024) return Budget{40 - callers, std::nullopt};
  // A miss enters the gate of fork, checks for a sanitizer, a profile and a recording, and checks links of free blocks.
  // If each 32nd call is a miss, that is 7 more.
  const double misses = size == 1024 ? 8.0 : 0.0;
  return Budget{(acquires ? 18 : 20) - callers, 32.0 + misses - callers};
}

bool within_budget(const Key& key, const Figure& figure) {
  std::optional<Budget> budget = budget_of(key);
  return !budget || (figure.median <= budget->median && (!budget->mean || figure.mean <= *budget->mean));
}

}  // namespace golden
