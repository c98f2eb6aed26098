// base: text in a fixed buffer, for messages that must be written without allocating. Text beyond the buffer is cut
// off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ashlar {

// Replacements for substr, copy, starts_with and compare at a position of std::string_view. Those may throw, which
// needs libstdc++: the optimizer removes the throw, a debug build does not. tests/layers looks for their use.

// Return the first n characters, and the rest.
[[nodiscard]] constexpr std::string_view first(std::string_view s, std::size_t n) {
  return {s.data(), n < s.size() ? n : s.size()};
}
[[nodiscard]] constexpr std::string_view after(std::string_view s, std::size_t n) {
  return n < s.size() ? std::string_view(s.data() + n, s.size() - n) : std::string_view();
}
[[nodiscard]] constexpr bool has_prefix(std::string_view s, std::string_view prefix) {
  return first(s, prefix.size()) == prefix;
}

template <std::size_t N>
class Text {
 public:
  Text& operator<<(std::string_view s) {
    for (const char c : s) {
      if (size_ < N) buffer_[size_++] = c;
    }
    return *this;
  }
  Text& operator<<(std::uint64_t n) { return number(n, 10); }
  Text& hex(std::uint64_t n) { return (*this << "0x").number(n, 16); }
  Text& pointer(const void* p) { return hex(reinterpret_cast<std::uintptr_t>(p)); }

  // Appends n right-aligned in a fixed width, for tables.
  Text& column(std::uint64_t n, std::size_t width) {
    Text<20> digits;
    digits << n;
    for (std::size_t i = digits.view().size(); i < width; ++i) *this << " ";
    return *this << digits.view();
  }

  [[nodiscard]] std::string_view view() const { return {buffer_, size_}; }
  void clear() { size_ = 0; }

 private:
  Text& number(std::uint64_t n, unsigned base) {
    char digits[20];
    std::size_t at = sizeof digits;
    do {
      digits[--at] = "0123456789abcdef"[n % base];
      n /= base;
    } while (n != 0);
    return *this << std::string_view(digits + at, sizeof digits - at);
  }

  std::size_t size_ = 0;
  char buffer_[N];
};

}  // namespace ashlar
