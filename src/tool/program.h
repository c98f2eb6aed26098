// tool: what a command must know of a program file before it executes it.
#pragma once

#include <optional>
#include <string>

namespace ashlar::tool {

// Returns the file that execvp(3) would run: `name` itself if it holds a slash, else the first executable file of that
// name in PATH. If no file of that name is executable, returns the first one that is not. Returns nothing if there is
// no such file.
std::optional<std::string> find_program(const std::string& name);

// Returns whether a file is a 64-bit shared library. The dynamic linker ignores preloaded files of other kinds.
bool is_library(const std::string& file);

// Returns why LD_PRELOAD has no effect on this file, as the end of a sentence ("is statically linked"). Empty if it has
// an effect, or if that is unknown. For a script, looks at its interpreter.
std::string why_not_preloaded(const std::string& file);

}  // namespace ashlar::tool
