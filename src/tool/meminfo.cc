// tool: `ashlar meminfo`: /proc/meminfo, each line explained.
#include <memory>

#include <CLI/CLI.hpp>

#include "tool/command.h"
#include "tool/output.h"

namespace ashlar::tool {

Action declare_meminfo(CLI::App& command) {
  const auto output = std::make_shared<Output>();
  output->declare(command);
  return [] { return 0; };
}

}  // namespace ashlar::tool
