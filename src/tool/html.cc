// tool: pages of HTML.
#include "tool/html.h"

#include <random>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tool/printable.h"

namespace ashlar::tool {

std::string filled(std::string_view page, const Marks& marks) {
  std::string out;
  for (std::size_t at = 0; (at = page.find('%')) != page.npos;) {
    out += page.substr(0, at);
    const std::size_t end = page.find('%', at + 1);
    const auto mark = end == page.npos ? marks.end() : marks.find(page.substr(at + 1, end - at - 1));
    if (mark != marks.end()) out += mark->second;
    else out += '%';
    page.remove_prefix(mark != marks.end() ? end + 1 : at + 1);
  }
  return out += page;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

// Within <script>, "</script" would end the element, and "<!--" would change how it is parsed.
std::string script_data(const nlohmann::ordered_json& data) {
  std::string out;
  for (const char c : data.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace)) {
    if (c == '<') out += "\\u003c";
    else out += c;
  }
  return out;
}

std::string nonce() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

}  // namespace ashlar::tool
