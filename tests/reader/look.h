// Checks for the tests of the reader: a process's heap, and what must hold for it while the process waits.
#pragma once

#include <map>
#include <string>

#include "child.h"
#include "tool/reader/reader.h"

namespace ashlar_test {

struct Look {
  ashlar::reader::Model model;
  ashlar::reader::Split split;
};
Look look(int pid);

// Returns the runs by their size in bytes.
std::map<std::size_t, std::uint64_t> runs_of(const ashlar::reader::Model& model);

// Expects the split's sum to be within 1 % of what smaps counts.
void expect_reconciled(const Look& look);

// Expects each page of each arena to be in one block, and the zones' figures to be the blocks'.
void expect_covered(const ashlar::reader::Model& model);

// Returns "live", "free", "run", "vmalloc" or "foreign".
std::string state_at(ashlar::reader::Source& source, const ashlar::reader::Model& model, std::uint64_t address);

}  // namespace ashlar_test
