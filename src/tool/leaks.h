// tool: the report of blocks that nothing points to, for a command that has stopped a process itself.
#pragma once

#include <cstddef>
#include <vector>

#include "tool/reader/source.h"

namespace ashlar::tool {

inline constexpr std::size_t kLeaksShown = 20;  // blocks, and stacks

// Writes the report. Precondition: all threads of the process are in `threads`, and all are stopped. Throws as
// reader::read_model does.
void print_leaks_at_end(reader::Source& source, std::vector<reader::ThreadState> threads);

}  // namespace ashlar::tool
