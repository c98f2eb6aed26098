// tool, reader: which objects of a process define a symbol.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tool/reader/source.h"

namespace ashlar::reader {

// The files of the programs and libraries whose dynamic symbol tables define a symbol, by address. Where a table cannot
// be read the file is left out.
std::vector<std::string> files_that_define(Source& source, std::string_view symbol);

}  // namespace ashlar::reader
