// tool, reader, private: the text of /proc/PID/smaps (proc_pid_smaps(5)).
#pragma once

#include <string_view>
#include <vector>

#include "tool/reader/source.h"

namespace ashlar::reader {

// Returns the mappings from the text of maps or smaps. Unknown lines are skipped.
std::vector<Mapping> parse_smaps(std::string_view text);

}  // namespace ashlar::reader
