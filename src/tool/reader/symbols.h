// tool, reader: finds the objects of a process that define a symbol.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tool/reader/source.h"

namespace ashlar::reader {

// Returns the files of the programs and libraries whose dynamic symbol tables define a symbol, by address. A file whose
// table cannot be read is left out.
std::vector<std::string> files_that_define(Source& source, std::string_view symbol);

}  // namespace ashlar::reader
