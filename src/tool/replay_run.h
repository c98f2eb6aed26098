// tool: runs a plan under an allocator, in a process of its own.
#pragma once

#include <memory>
#include <string>

#include "tool/replay_plan.h"

namespace ashlar::tool {

struct Allocator {
  std::string name;
  std::string library;  // to preload; empty: none
  std::string options;  // appended to the environment's ASHLAR_OPTIONS
};

// Returns the allocator that a text names:
// - "NAME=LIBRARY"
// - a name alone: glibc, ashlar (the command's own library), or one whose library is in the system's library folders
// "?OPTIONS" may follow. "NAME=?OPTIONS" is the command's own library. Throws a Failure.
Allocator find_allocator(const std::string& given);

// The conditions of all runs.
struct Conditions {
  bool touch_first = false, as_recorded = false;
};

enum class Purpose : std::uint8_t { kTime, kMemory, kLatency };

struct Run {
  replay::Outcome outcome;
  std::unique_ptr<replay::Samples> samples;      // of kMemory
  std::unique_ptr<replay::Latencies> latencies;  // of kLatency
};

// Runs a complete plan.
class Runs {
 public:
  Runs(const Planner& planner, const Conditions& conditions);

  // Does one run. Throws a Failure.
  [[nodiscard]] Run run(const Allocator& allocator, Purpose purpose) const;

 private:
  std::string driver_;
  int file_;
  Conditions conditions_;
};

}  // namespace ashlar::tool
