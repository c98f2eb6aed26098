// tool: pages of HTML that are complete in themselves: what stands in them is text, and no part of the page.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace ashlar::tool {

// What marks "%NAME%" of a page stand for.
using Marks = std::map<std::string, std::string, std::less<>>;

// The page with its marks replaced, all in one pass: what looks like a mark in what is put in stays as it is.
std::string filled(std::string_view page, const Marks& marks);

// Text that shows as it is in an element or in an attribute, made printable (printable.h).
std::string escaped(std::string_view text);

// Data for a script, which it cannot end.
std::string script_data(const nlohmann::ordered_json& data);

// A number that nobody can guess: a page's policy allows the script and the style that bear it, and no other.
std::string nonce();

}  // namespace ashlar::tool
