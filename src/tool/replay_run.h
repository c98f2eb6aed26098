// tool: runs a plan under an allocator, in a process of its own.
#pragma once

#include <string>

#include "tool/replay_plan.h"

namespace ashlar::tool {

struct Allocator {
  std::string name;
  std::string library;  // to preload; empty: none
};

// By "NAME=LIBRARY", or by a name alone: glibc, ashlar (the command's own library), or one of which the library is
// where the system keeps them. Throws a Failure.
Allocator find_allocator(const std::string& given);

class Plan {
 public:
  Plan(const Planner& planner, replay::Touch touch);
  ~Plan();
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  // One run. Throws a Failure.
  [[nodiscard]] replay::Outcome run(const Allocator& allocator) const;

 private:
  std::string driver_;
  int file_;
};

}  // namespace ashlar::tool
