// base: UTF-8 (RFC 3629), for names that the program gives and reports contain. The ashlar command uses it too.
#pragma once

#include <cstddef>
#include <string_view>

namespace ashlar {

// The first piece of a text: a character, or invalid bytes.
struct Utf8Piece {
  std::size_t bytes = 0;  // 0 if the text is empty
  bool valid = false;
};

namespace detail {

struct Utf8Lead {
  std::size_t bytes;       // length of the character; 0 if no character begins with this byte
  unsigned char min, max;  // of the second byte
};

constexpr Utf8Lead utf8_lead(unsigned char c) {
  if (c < 0x80) return {1, 0, 0};
  if (c < 0xc2 || c > 0xf4) return {0, 0, 0};
  if (c < 0xe0) return {2, 0x80, 0xbf};
  // excludes overlong forms, surrogates, and code points above U+10FFFF
  if (c < 0xf0)
    return {3, static_cast<unsigned char>(c == 0xe0 ? 0xa0 : 0x80),
            static_cast<unsigned char>(c == 0xed ? 0x9f : 0xbf)};
  return {4, static_cast<unsigned char>(c == 0xf0 ? 0x90 : 0x80), static_cast<unsigned char>(c == 0xf4 ? 0x8f : 0xbf)};
}

}  // namespace detail

// Returns the first piece of a text. One U+FFFD replaces one invalid piece: the longest prefix of a character, or one
// byte (Unicode, 3.9, "maximal subpart").
constexpr Utf8Piece utf8_piece(std::string_view text) {
  if (text.empty()) return {};
  const detail::Utf8Lead lead = detail::utf8_lead(static_cast<unsigned char>(text[0]));
  if (lead.bytes == 0) return {1, false};
  for (std::size_t i = 1; i < lead.bytes; ++i) {
    const unsigned char min = i == 1 ? lead.min : 0x80, max = i == 1 ? lead.max : 0xbf;
    const auto c = static_cast<unsigned char>(i < text.size() ? text[i] : 0);
    if (c < min || c > max) return {i, false};
  }
  return {lead.bytes, true};
}

// Calls visit(piece, valid) for each piece of a text.
template <class Visit>
constexpr void for_utf8(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const Utf8Piece piece = utf8_piece(text);
    visit(std::string_view(text.data(), piece.bytes), piece.valid);
    text.remove_prefix(piece.bytes);
  }
}

inline constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

}  // namespace ashlar
