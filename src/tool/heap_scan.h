// tool: what `leaks` and `who` share: the options of a scan, its roots, and the stacks of samples.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tool/output.h"
#include "tool/reader/leaks.h"
#include "tool/reader/profile.h"
#include "tool/reader/reader.h"
#include "tool/reader/stop.h"

namespace CLI {
class App;
}

namespace ashlar::tool {

// How memory is scanned, as options of a command.
class ScanOptions {
 public:
  // Adds --stop and --registers. The object must live as long as the command's action.
  void declare(CLI::App& command);
  // Stops the process if --stop was given, until the returned object is destroyed. Otherwise returns null.
  [[nodiscard]] std::unique_ptr<reader::Stopped> stop(const reader::Source& source) const;
  // Returns the roots as they are now; `stopped` may be null.
  [[nodiscard]] reader::Roots roots(reader::Source& source, const reader::Model& model,
                                    const reader::Stopped* stopped) const;

 private:
  bool stop_ = false;
  std::vector<std::string> registers_;
};

// Prints the lines that say why a report may be wrong: threads whose registers are not all known, a heap that changed.
// `running`: the process was not stopped, so --stop helps.
void print_doubts(const Output& output, std::size_t threads_in_part, std::size_t threads, bool approximate,
                  bool running);

// Returns the kind of a block: "malloc-64", "run", "slob", …
std::string class_of(const reader::Model& model, const reader::HeapBlock& block);

// Returns whether a block of the program may have this class.
bool is_class(reader::Source& source, const reader::Model& model, const std::string& name);

// Returns the functions of each site, the innermost first.
std::vector<std::vector<std::string>> functions_of(const reader::Source& source,
                                                   const std::vector<reader::SampledSite>& sites);

}  // namespace ashlar::tool
