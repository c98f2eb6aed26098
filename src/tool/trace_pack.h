// tool: compressing the traces that a program and its children wrote.
#pragma once

#include <string>

namespace ashlar::tool {

// Whether a file is a trace, compressed or not.
bool is_trace(const std::string& path);

// Compresses a trace, whoever writes to it still.
void pack_trace(const std::string& path);

// Compresses a trace, and those of forked children and executed programs, which have more behind their names. One whose
// process runs still is left as it is, with a line on stderr.
void pack_traces(const std::string& path);

}  // namespace ashlar::tool
