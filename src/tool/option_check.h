// tool: whether a process can be asked to set an option, told from its table of options (src/base/options.h) without
// asking it: a process that does not allocate would answer late or not at all.
#pragma once

#include <string>
#include <vector>

#include "tool/reader/model.h"

namespace ashlar::tool {

// Returns the option that "name=value" or a name alone refers to, or null.
const reader::Option* option_of(const std::vector<reader::Option>& options, const std::string& item);

// Returns what is wrong with "name=value", in the words in which the process refuses it, or nothing. What the table
// does not tell, as the range of a number, is left to the process.
std::string fault_of(const std::vector<reader::Option>& options, const std::string& item);

}  // namespace ashlar::tool
