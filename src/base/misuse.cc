// base: the lines that tell of misuse.
#include "base/misuse.h"

namespace ashlar {

MisuseLine double_free(const char* caller, const void* p, std::string_view kind) {
  MisuseLine line;
  line << caller << ": double free of ";
  line.pointer(p) << ": the " << kind << " is already free";
  return line;
}

MisuseLine invalid_pointer(const char* caller, const void* p) {
  MisuseLine line;
  line << caller << ": invalid pointer ";
  line.pointer(p);
  return line;
}

MisuseLine not_a_start(const char* caller, const void* p, std::string_view kind) {
  MisuseLine line = invalid_pointer(caller, p);
  const bool vowel = kind.front() == 'o';  // an object
  line << ": not the start of " << (vowel ? "an " : "a ") << kind;
  return line;
}

void add_inside(MisuseLine& line, const void* p, std::uintptr_t start, std::size_t bytes, std::string_view kind) {
  line << " (it lies " << reinterpret_cast<std::uintptr_t>(p) - start << " bytes inside the " << kind << " of " << bytes
       << " bytes at ";
  line.hex(start) << ")";
}

}  // namespace ashlar
