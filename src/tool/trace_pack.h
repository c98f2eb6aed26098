// tool: compressing the traces that a program and its children wrote.
#pragma once

#include <cstdint>
#include <string>

namespace ashlar::tool {

// Returns whether a file is a trace, compressed or not.
bool is_trace(const std::string& path);

// Returns whether a running process writes to a trace: it has the file mapped, or its mappings may not be read.
bool is_written(const std::string& path);

// Returns the errno with which the recording into an uncompressed trace ended itself, or 0 if it did not.
int ended_by(const std::string& path);

// Returns whether a request ended an uncompressed trace, so that its process writes nothing more.
bool is_stopped(const std::string& path);

// Compresses a trace of the process with this number in its own namespace, even if the process still runs.
void pack_trace(const std::string& path, std::uint32_t process);

// Compresses a trace, and the traces of forked children and executed programs, whose names have suffixes. A trace whose
// process still runs is left as it is, with a line on stderr.
void pack_traces(const std::string& path);

}  // namespace ashlar::tool
