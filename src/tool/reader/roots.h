// tool, reader: where a program's pointers are, except in its blocks.
#pragma once

#include <vector>

#include "tool/reader/model.h"

namespace ashlar::reader {

struct Roots {
  // Memory that the program writes to, except Ashlar's and the unused parts of stacks; by address.
  std::vector<Range> ranges;
  std::vector<ThreadState> threads;

  [[nodiscard]] std::size_t threads_in_part() const;  // the number of threads whose registers are not all known
};

Roots find_roots(Source& source, const Model& model, std::vector<ThreadState> threads);

}  // namespace ashlar::reader
