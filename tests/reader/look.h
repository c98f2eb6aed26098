// What the tests of the reader look at: a process's heap, and what must hold of it while the process waits.
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

// Runs by their size in bytes.
std::map<std::size_t, std::uint64_t> runs_of(const ashlar::reader::Model& model);

// The split's sum is what smaps counts, within 1 %.
void expect_reconciled(const Look& look);

// Each page of each arena is in one block, and the zones' figures are the blocks'.
void expect_covered(const ashlar::reader::Model& model);

// "live", "free", "run", "vmalloc" or "foreign".
std::string state_at(ashlar::reader::Source& source, const ashlar::reader::Model& model, std::uint64_t address);

}  // namespace ashlar_test
