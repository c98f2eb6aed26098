// Runs this executable again, with the library preloaded and nothing else that could change a count, and collects the
// counts.
#pragma once

#include <string>
#include <vector>

#include "counter.h"
#include "patterns.h"

namespace golden {

// Returns the counts of one case, in the order of the calls. Throws std::runtime_error if the counted program fails.
std::vector<Count> count_case(size_t case_index, Pattern pattern, size_t size, const std::string& library);

}  // namespace golden
