// tool: self-contained pages of HTML. Text that is put into a page cannot become markup or script.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace ashlar::tool {

// The replacement of each mark "%NAME%" of a page, by NAME.
using Marks = std::map<std::string, std::string, std::less<>>;

// Returns the page with its marks replaced. One pass replaces all, so a replacement's text is never taken for a mark.
std::string filled(std::string_view page, const Marks& marks);

// Returns text escaped for an element or an attribute, and made printable (printable.h).
std::string escaped(std::string_view text);

// Returns data as JSON that cannot end the <script> element around it.
std::string script_data(const nlohmann::ordered_json& data);

// Returns a random number. A page's content security policy allows only scripts and styles that carry it.
std::string nonce();

}  // namespace ashlar::tool
