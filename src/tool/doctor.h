// tool: what doctor says about a heap beside the figures.
#pragma once

#include <string>
#include <vector>

#include "tool/reader/reader.h"

namespace ashlar::tool {

struct Advice {
  std::string about;  // one word, for programs
  std::string text;   // a sentence or two
};

std::vector<Advice> advice_on(reader::Source& source, const reader::Model& model, const reader::Split& split);

}  // namespace ashlar::tool
