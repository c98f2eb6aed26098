// tool: arguments that several commands have.
#pragma once

#include <sys/types.h>

#include <string>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace ashlar::tool {

// Adds a positional argument PID, a number above 0.
CLI::Option* add_pid(CLI::App& command, pid_t& pid, const std::string& description);

}  // namespace ashlar::tool
