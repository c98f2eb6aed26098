// tool: text that a terminal may be given. Names of processes, files and caches are chosen by whom a report is about,
// and may hold escape sequences.
#pragma once

#include <string>
#include <string_view>

namespace ashlar::tool {

// The text with what a terminal might act upon replaced: control characters by \x1b (of the C1 set by \u009b), marks
// that change the direction of text by \u202e, and bytes that are no UTF-8 by \xff. Ends of lines and tabs stay. Text
// that was made so already stays as it is; JSON stays the same JSON.
std::string printable(std::string_view text);

}  // namespace ashlar::tool
