// Stands in for libstdc++'s header of this name, which is made for glibc's tables of characters. Ashlar uses none.
#pragma once

namespace std {
struct ctype_base {
  using __to_type = const int*;
  using mask = unsigned short;
  enum : mask {
    upper = 1,
    lower = 2,
    digit = 4,
    xdigit = 8,
    space = 16,
    print = 32,
    punct = 64,
    cntrl = 128,
    blank = 256
  };
  static constexpr mask alpha = upper | lower, alnum = alpha | digit, graph = alnum | punct;
};
}  // namespace std
