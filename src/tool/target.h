// tool: what a report is made of: a process or a core file.
#pragma once

#include <memory>
#include <string>

#include "tool/reader/reader.h"

namespace CLI {
class App;
}

namespace ashlar::tool {

class Target {
 public:
  // Adds the argument PID and the option --core to a command. The object must live as long as the command's action.
  void declare(CLI::App& command);
  // Throws a Failure where it cannot be read.
  [[nodiscard]] std::unique_ptr<reader::Source> open() const;

 private:
  long long pid_ = 0;
  std::string core_;
};

}  // namespace ashlar::tool
