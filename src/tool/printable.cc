// tool: text that is safe to write to a terminal.
#include "tool/printable.h"

#include <cstdint>

#include <fmt/format.h>

namespace ashlar::tool {

namespace {

struct Decoded {
  std::uint32_t code = 0;
  std::size_t bytes = 0;  // 0: not UTF-8
};

// Returns the character that text starts with. Accepts only the shortest form of UTF-8 (RFC 3629).
Decoded decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t n = first >= 0xf5 ? 0 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (n == 0 || text.size() < n) return {};
  std::uint32_t code = first & (0x7fu >> n);
  for (std::size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  const bool shortest = n == 2 || (n == 3 ? code >= 0x800 : code >= 0x10000);
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  return shortest && !surrogate && code < 0x110000 ? Decoded{code, n} : Decoded{};
}

bool is_control(std::uint32_t code) { return (code < 0x20 && code != '\n' && code != '\t') || code == 0x7f; }

// Returns whether a character is a C1 control, a line separator, or a mark, embedding, override or isolate of direction
// (Unicode UAX #9).
bool is_hidden(std::uint32_t code) {
  return (code >= 0x80 && code < 0xa0) || code == 0x061c || code == 0x200e || code == 0x200f ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Decoded c = decode(text);
    if (c.bytes == 0) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    else if (is_control(c.code) && c.code != 0x7f) out += fmt::format("\\x{:02x}", c.code);
    else if (is_control(c.code) || is_hidden(c.code)) out += fmt::format("\\u{:04x}", c.code);
    else out += text.substr(0, c.bytes);
    text.remove_prefix(c.bytes != 0 ? c.bytes : 1);
  }
  return out;
}

}  // namespace ashlar::tool
