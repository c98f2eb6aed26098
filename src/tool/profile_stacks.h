// tool: what a profile says of each stack of functions, as all forms but that of pprof show it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tool/profile_file.h"
#include "tool/profile_names.h"

namespace ashlar::tool {

// Estimates, of bytes that the program asked for and of objects.
struct Figures {
  std::uint64_t in_use = 0, objects = 0, allocated = 0, allocated_objects = 0;

  void add(const Figures& other) {
    in_use = added(in_use, other.in_use);
    objects = added(objects, other.objects);
    allocated = added(allocated, other.allocated);
    allocated_objects = added(allocated_objects, other.allocated_objects);
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
  std::vector<std::string> functions, threads;  // names, each once; of a thread with its number
  std::vector<StackFigures> all;                // each stack, thread and class once
};

// What stands for the function where a stack is not known.
inline constexpr const char* kNoStack = "[no stack]";

Stacks stacks_of(const Profile& profile, const Names& names);

}  // namespace ashlar::tool
