// tool: text that is safe to write to a terminal. Processes choose their own names and those of their files and
// caches, and these may hold escape sequences.
#pragma once

#include <string>
#include <string_view>

namespace ashlar::tool {

// Returns the text with what a terminal might act upon written as an escape: control characters as \x1b (of the C1 set
// as \u009b), marks that change the direction of text as \u202e, and bytes that are not UTF-8 as \xff. Newlines and
// tabs stay. Printable text is returned unchanged. JSON keeps its value.
std::string printable(std::string_view text);

}  // namespace ashlar::tool
