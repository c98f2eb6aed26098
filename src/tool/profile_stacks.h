// tool: a profile by stacks of functions, for all formats except pprof's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tool/profile_file.h"
#include "tool/profile_names.h"

namespace ashlar::tool {

using Wide = __int128;  // holds each difference of figures, and sums of them

// A figure, and its value in an earlier profile that this one is compared with, or 0.
struct Amount {
  std::uint64_t now = 0, base = 0;

  void add(const Amount& other) {
    now = added(now, other.now);
    base = added(base, other.base);
  }
  [[nodiscard]] Wide change() const { return Wide{now} - Wide{base}; }
};

// Estimates of requested bytes and of objects.
struct Figures {
  Amount in_use, objects, allocated, allocated_objects;

  void add(const Figures& other) {
    in_use.add(other.in_use);
    objects.add(other.objects);
    allocated.add(other.allocated);
    allocated_objects.add(other.allocated_objects);
  }
};

// What one thread allocated of one class with one stack.
struct StackFigures {
  std::vector<std::size_t> functions;  // indices into Stacks::functions, the innermost first; never empty
  std::size_t thread = 0;              // an index into Stacks::threads
  std::uint64_t size_class = 0;        // bytes of an object; 0: large
  Figures figures;
};

struct Stacks {
  bool difference = false;                      // whether there is an earlier profile
  std::vector<std::string> functions, threads;  // names, each once
  std::vector<StackFigures> all;                // each stack, thread and class once
};

// Shown as the function if a stack is not known.
inline constexpr const char* kNoStack = "[no stack]";

Stacks stacks_of(const Profile& profile, const Names& names);

// The same with the figures of an earlier profile. Stacks are matched by names, as that profile may be of another
// process.
Stacks compared(const Profile& profile, const Names& names, const Profile& base, const Names& base_names);

}  // namespace ashlar::tool
