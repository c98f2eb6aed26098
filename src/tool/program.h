// tool: what `ashlar run` must know of a program file before it becomes it.
#pragma once

#include <optional>
#include <string>

namespace ashlar::tool {

// The file that execvp(3) would run: `name` itself where it holds a slash, else the first executable file of that
// name in PATH. None when there is no such file; one that cannot be executed is given only when there is no better
// one.
std::optional<std::string> find_program(const std::string& name);

// Whether a file is a shared library of 64 bits: the dynamic linker goes on without others.
bool is_library(const std::string& file);

// Why LD_PRELOAD does nothing for this file, as the end of a sentence ("is statically linked"); empty when it
// works, or when that cannot be told. Of a script its interpreter is looked at.
std::string why_not_preloaded(const std::string& file);

}  // namespace ashlar::tool
