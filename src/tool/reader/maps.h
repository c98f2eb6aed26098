// tool, reader, private: the text of /proc/PID/smaps (proc_pid_smaps(5)).
#pragma once

#include <string_view>
#include <vector>

#include "tool/reader/source.h"

namespace ashlar::reader {

// The mappings of the text of maps or smaps; lines that it does not know are passed over.
std::vector<Mapping> parse_smaps(std::string_view text);

}  // namespace ashlar::reader
