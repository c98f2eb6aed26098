// tool: what `leaks` and `who` have in common: the heap, the roots, and the stacks of samples.
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
  // Stops a process if that is wanted, until the end of the object that is returned.
  [[nodiscard]] std::unique_ptr<reader::Stopped> stop(const reader::Source& source) const;
  // The roots as they are now; `stopped` may be null.
  [[nodiscard]] reader::Roots roots(reader::Source& source, const reader::Model& model,
                                    const reader::Stopped* stopped) const;

 private:
  bool stop_ = false;
  std::vector<std::string> registers_;
};

// The lines of a report of which parts may be wrong: threads whose registers are not all known, a heap that changed.
void print_doubts(const Output& output, std::size_t threads_in_part, std::size_t threads, bool approximate);

// "malloc-64", "run", "slob", …: what kind of block it is.
std::string class_of(const reader::Model& model, const reader::HeapBlock& block);

// The functions of each site, the innermost first.
std::vector<std::vector<std::string>> functions_of(const reader::Source& source,
                                                   const std::vector<reader::SampledSite>& sites);

}  // namespace ashlar::tool
