// tool, reader: Ashlar's purpose for each mapping of a process.
#pragma once

#include <string>
#include <vector>

#include "tool/reader/model.h"

namespace ashlar::reader {

struct Purpose {
  bool ashlar = false;
  std::string text;  // "arena", "vmalloc", …; for a mapping that is not Ashlar's, its kind
};

// Returns one purpose for each of source.mappings(). The kernel merges adjacent mappings with equal attributes. A
// merged mapping has several names, the largest part's first ("arena, metadata"), and "others" for parts that are not
// Ashlar's.
std::vector<Purpose> purposes_of(Source& source, const Model& model);

}  // namespace ashlar::reader
