// tool: the advice that doctor gives in addition to the figures.
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
