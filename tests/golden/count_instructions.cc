// Counts the machine instructions of each entry point of the allocator by single steps. Unlike a time, a count is the
// same on every run and on every machine of one architecture (x86-64 here).
//
//   count_instructions LIBRARY                  prints the figures
//   count_instructions LIBRARY --golden FILE    compares them with those in FILE, and malloc's and free's with their
//                                               budgets; prints the old and new figures that differ
//   count_instructions LIBRARY --update FILE    writes them to FILE
//   count_instructions LIBRARY --budget         counts only malloc and free, and fails if they exceed their budget
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "patterns.h"
#include "results.h"
#include "runner.h"

namespace golden {
namespace {

struct Measured {
  Figures own;  // in the golden file; the same on every processor
  Figures all;  // for the budgets; includes everything
};

void add(Measured& measured, std::string_view entry, Role role, Pattern pattern, size_t size,
         const std::vector<Count>& counts) {
  std::vector<int> own, all;
  for (const Count& count : counts) {
    if (count.role != role) continue;
    own.push_back(count.own);
    all.push_back(count.all);
  }
  Key key{entry, kPatternNames[static_cast<int>(pattern)], static_cast<int>(size)};
  // free occurs in several cases. The first one, which begins with malloc, is kept.
  measured.own.try_emplace(key, figure_of(own));
  measured.all.try_emplace(key, figure_of(all));
}

void measure_case(Measured& measured, size_t index, Pattern pattern, size_t size, const std::string& library) {
  const Case& which = cases()[index];
  std::vector<Count> counts;
  try {
    counts = count_case(index, pattern, size, library);
  } catch (const std::exception& error) {
    throw std::runtime_error(std::string(which.acquire.empty() ? which.release : which.acquire) + " of " +
                             std::to_string(size) + ": " + error.what());
  }
  if (!which.acquire.empty()) add(measured, which.acquire, Role::kAcquire, pattern, size, counts);
  if (!which.release.empty()) add(measured, which.release, Role::kRelease, pattern, size, counts);
}

constexpr size_t kRun = 100000;  // a block of whole pages, from the zone

Measured measure(const std::string& library, bool malloc_and_free_only) {
  Measured measured;
  for (size_t index = 0; index < cases().size(); ++index) {
    const Case& which = cases()[index];
    const bool plain = which.acquire == "malloc" && which.release == "free";
    if (malloc_and_free_only && !plain) continue;
    if (which.acquire.empty() || which.release.empty()) {
      for (size_t size : {16U, 64U, 1024U, 8192U}) {
        measure_case(measured, index, Pattern::kRepeat, size, library);
      }
      if (which.acquire == "realloc same size") measure_case(measured, index, Pattern::kRepeat, kRun, library);
      continue;
    }
    for (size_t size : {16U, 64U, 200U, 1024U, 8192U}) {
      // A trap costs tens of microseconds in some virtual machines, so functions that only wrap malloc are counted at
      // fewer sizes.
      if (!plain && size != 64 && size != 1024) continue;
      measure_case(measured, index, Pattern::kPingPong, size, library);
      if (!plain && size != 64) continue;
      measure_case(measured, index, Pattern::kBatch, size, library);
      if (plain) measure_case(measured, index, Pattern::kRandom, size, library);
    }
  }
  return measured;
}

bool check_budgets(const Figures& figures) {
  bool all_good = true;
  for (const auto& [key, figure] : figures) {
    std::optional<Budget> budget = budget_of(key);
    if (!budget) continue;
    bool good = within_budget(key, figure);
    all_good = all_good && good;
    printf("%s  budget %d%s%s\n", describe(key, figure).c_str(), budget->median,
           budget->mean ? (" / " + std::to_string(static_cast<int>(*budget->mean))).c_str() : "",
           good ? "" : "  EXCEEDED");
  }
  return all_good;
}

bool compare(const std::string& path, const Figures& now) {
  if (same_as_golden(read_golden(path), now)) {
    printf("%zu figures as in %s\n", now.size(), path.c_str());
    return true;
  }
  printf("If that is meant, write the new ones: cmake --build --preset release --target update_golden\n");
  return false;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 6 && arguments[1] == "--counted") {
    run_case(cases()[std::stoul(arguments[2])], static_cast<Pattern>(std::stoi(arguments[3])), std::stoul(arguments[4]),
             arguments[5].c_str());
  }
  const std::string mode = arguments.size() > 2 ? arguments[2] : "";
  const bool with_file = mode == "--golden" || mode == "--update";
  if (arguments.size() < 2 || !(mode.empty() || mode == "--budget" || with_file) || arguments.size() > 3U + with_file ||
      (with_file && arguments.size() != 4)) {
    fprintf(stderr, "usage: count_instructions LIBRARY [--golden FILE | --update FILE | --budget]\n");
    return 2;
  }
  Measured measured = measure(arguments[1], mode == "--budget");
  if (mode == "--golden") {
    const bool good = check_budgets(measured.all);
    return compare(arguments[3], measured.own) && good ? 0 : 1;
  }
  if (mode == "--budget") return check_budgets(measured.all) ? 0 : 1;
  if (mode == "--update") {
    write_golden(arguments[3], measured.own);
    return 0;
  }
  for (const auto& [key, figure] : measured.own) {
    printf("%s\n", describe(key, figure).c_str());
  }
  return 0;
}

}  // namespace
}  // namespace golden

int main(int argc, char** argv) {
  try {
    return golden::run({argv, argv + argc});
  } catch (const std::exception& error) {
    fprintf(stderr, "count_instructions: %s\n", error.what());
    return 1;
  }
}
