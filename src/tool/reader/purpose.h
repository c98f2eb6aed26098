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

// One for each of source.mappings(). The kernel joins neighbours that are alike: such a mapping has several names, the
// largest part's first ("arena, metadata"), and "others" for what is not Ashlar's.
std::vector<Purpose> purposes_of(Source& source, const Model& model);

}  // namespace ashlar::reader
