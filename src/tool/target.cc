// tool: what a report is made of.
#include "tool/target.h"

#include <CLI/CLI.hpp>
#include <climits>

#include "tool/error.h"

namespace ashlar::tool {

void Target::declare(CLI::App& command) {
  command.add_option("PID", pid_, "the process")->check(CLI::Range(1, INT_MAX))->type_name("");
  command.add_option("--core", core_, "read a core file instead of a process")->type_name("FILE");
}

std::unique_ptr<reader::Source> Target::open() const {
  if (core_.empty() == (pid_ == 0)) throw Failure(Exit::kUsage, "give the number of a process, or --core FILE");
  return core_.empty() ? reader::Source::live(static_cast<pid_t>(pid_)) : reader::Source::core(core_);
}

}  // namespace ashlar::tool
