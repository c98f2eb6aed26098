// tool: a profile as a page of HTML with a flame graph, which needs no network.
#pragma once

#include <string>

#include "tool/profile_stacks.h"
#include "tool/profile_text.h"

namespace ashlar::tool {

// Returns the page. `allocated`: it opens with what was allocated, and not with what is in use.
std::string page_of(const Subject& subject, const Stacks& stacks, bool allocated);

}  // namespace ashlar::tool
