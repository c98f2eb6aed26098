// tool: compressing the traces that a program and its children wrote.
#pragma once

#include <cstdint>
#include <string>

namespace ashlar::tool {

// Whether a file is a trace, compressed or not.
bool is_trace(const std::string& path);

// Whether a process that runs writes to a trace: it has the file mapped, or may not be looked at.
bool is_written(const std::string& path);

// The errno by which a trace that is not compressed ended itself; 0: it did not.
int ended_by(const std::string& path);

// Whether a request ended a trace that is not compressed: its process writes nothing more.
bool is_stopped(const std::string& path);

// Compresses a trace of the process with this number (its own, in its namespace), whether or not that runs.
void pack_trace(const std::string& path, std::uint32_t process);

// Compresses a trace, and those of forked children and executed programs, which have more behind their names. One whose
// process runs still is left as it is, with a line on stderr.
void pack_traces(const std::string& path);

}  // namespace ashlar::tool
