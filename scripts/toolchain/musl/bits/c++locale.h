// Stands in for libstdc++'s header of this name, which is made for glibc's locales. Ashlar uses none.
#pragma once

#include <clocale>

#define _GLIBCXX_NUM_CATEGORIES 0

namespace std {
using __c_locale = int*;
template <class... Rest>
int __convert_from_v(const __c_locale&, char*, int, const char*, Rest...);
}  // namespace std
