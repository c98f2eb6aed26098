// tool, reader: what each mapping of a process is to Ashlar.
#pragma once

#include <string>
#include <vector>

#include "tool/reader/model.h"

namespace ashlar::reader {

struct Purpose {
  bool ashlar = false;
  std::string text;  // "arena", "vmalloc", … or, of what is not Ashlar's, its kind
};

// One for each of source.mappings(). A mapping that the kernel joined with a neighbour of the program's is named by
// what Ashlar uses most of it for, and "and others".
std::vector<Purpose> purposes_of(const Source& source, const Model& model);

}  // namespace ashlar::reader
