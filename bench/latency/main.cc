// Latency benchmark: times every call of a case under the preloaded allocator and prints the distribution.
//
//   latency CASE|all [--scale X] [--json]
//
// --json prints a line for each call, with the histogram's buckets as pairs of minimum nanoseconds and count. The exit
// status is 0, 1 if a case could not be run, and 2 for bad usage.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "timed.h"

namespace {

using namespace ashlar::latency;

int usage() {
  std::fprintf(stderr, "usage: latency CASE|all [--scale X] [--json]\ncases:\n");
  for (std::size_t i = 0; i < kCaseCount; ++i) std::fprintf(stderr, "  %-10s %s\n", kCases[i].name, kCases[i].what);
  return 2;
}

void print_json(const Case& one, Call call, const Histogram& histogram) {
  std::printf(R"({"case":"%s","call":"%s","count":%lu,"max":%lu,"buckets":[)", one.name, kNames[call],
              histogram.count(), histogram.max());
  const char* separator = "";
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    if (histogram.count_of(i) == 0) continue;
    std::printf("%s[%lu,%lu]", separator, Histogram::first_of(i), histogram.count_of(i));
    separator = ",";
  }
  std::printf("]}\n");
}

void print_row(const Case& one, Call call, const Histogram& histogram) {
  std::printf("%-10s %-8s %10lu %10lu %10lu %10lu %10lu %12lu\n", one.name, kNames[call], histogram.count(),
              histogram.percentile(500000), histogram.percentile(990000), histogram.percentile(999000),
              histogram.percentile(999900), histogram.max());
}

bool run(const Case& one, double scale, bool json) {
  const auto sum = std::make_unique<Timer>();
  if (!one.run(scale, *sum)) return false;
  for (unsigned i = 0; i < kCalls; ++i) {
    const auto call = static_cast<Call>(i);
    if (sum->of[i].count() == 0) continue;
    if (json) print_json(one, call, sum->of[i]);
    else print_row(one, call, sum->of[i]);
  }
  std::fflush(stdout);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const char* wanted = nullptr;
  double scale = 1;
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    char* end = nullptr;
    if (std::strcmp(argv[i], "--json") == 0) {
      json = true;
    } else if (std::strcmp(argv[i], "--scale") == 0 && i + 1 < argc) {
      scale = std::strtod(argv[++i], &end);
      if (end == argv[i] || *end != '\0' || !(scale > 0 && scale <= 1000)) {
        std::fprintf(stderr, "latency: --scale %s: expected a number above 0, at most 1000\n", argv[i]);
        return 2;
      }
    } else if (wanted == nullptr && argv[i][0] != '-') {
      wanted = argv[i];
    } else {
      return usage();
    }
  }
  if (wanted == nullptr) return usage();
  if (!json)
    std::printf("%-10s %-8s %10s %10s %10s %10s %10s %12s\n", "case", "call", "count", "p50 ns", "p99", "p99.9",
                "p99.99", "max");
  bool known = false, good = true;
  for (std::size_t i = 0; i < kCaseCount; ++i) {
    if (std::strcmp(wanted, "all") != 0 && std::strcmp(wanted, kCases[i].name) != 0) continue;
    known = true;
    good &= run(kCases[i], scale, json);
  }
  return !known ? usage() : good ? 0 : 1;
}
