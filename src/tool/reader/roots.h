// tool, reader: where a program's pointers are, except in its blocks.
#pragma once

#include <vector>

#include "tool/reader/model.h"

namespace ashlar::reader {

struct Roots {
  // Memory of the program that it writes to, except Ashlar's and what lies below the stacks in use; by address.
  std::vector<Range> ranges;
  std::vector<ThreadState> threads;
  std::vector<std::uint64_t> pointers;  // further ones that the user names

  [[nodiscard]] std::size_t threads_in_part() const;  // those of which not all registers are known
};

Roots find_roots(Source& source, const Model& model, std::vector<ThreadState> threads);

}  // namespace ashlar::reader
