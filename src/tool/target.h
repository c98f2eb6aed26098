// tool: the target of a report, which is a process or a core file, and the declaration of a command that makes a
// report.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tool/command.h"
#include "tool/output.h"
#include "tool/reader/reader.h"

namespace ashlar::tool {

class Target {
 public:
  // Adds the argument PID and the option --core to a command. The object must live as long as the command's action.
  void declare(CLI::App& command);
  // The same, followed by an argument ADDRESS in hexadecimal. With --core, ADDRESS is the only argument.
  void declare_with_address(CLI::App& command);

  // Opens the target. Throws a Failure if it cannot be read.
  [[nodiscard]] std::unique_ptr<reader::Source> open() const;
  // Returns ADDRESS. Throws a Failure if it is not an address.
  [[nodiscard]] std::uint64_t address() const;

 private:
  void declare_core(CLI::App& command);

  std::vector<std::string> words_;
  bool with_address_ = false;
  std::string core_;
};

// Declares a command that reports on a target, as text or as JSON: its options, its arguments (by `arguments`), and
// what it does.
Action declare_report(CLI::App& command, std::function<int(const Output&, const Target&)> report,
                      void (Target::*arguments)(CLI::App&) = &Target::declare);

}  // namespace ashlar::tool
