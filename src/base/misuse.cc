// base: the lines that tell of misuse.
#include "base/misuse.h"

namespace ashlar {

namespace {

void add_pointer(MisuseLine& line, std::string_view what, const void* p, const char* by, const char* caller) {
  line << what;
  line.pointer(p);
  if (caller != nullptr) line << by << caller;
}

}  // namespace

void add_double_free(MisuseLine& line, const void* p, const char* caller, std::string_view kind) {
  add_pointer(line, "double free of ", p, " by ", caller);
  line << ": the " << kind << " is already free";
}

void add_not_a_start(MisuseLine& line, const void* p, const char* caller, std::string_view kind) {
  add_pointer(line, "invalid pointer ", p, " in ", caller);
  const bool vowel = kind.front() == 'o';  // an object
  line << ": not the start of " << (vowel ? "an " : "a ") << kind;
}

void add_place(MisuseLine& line, const void* p, std::uintptr_t start, std::size_t bytes, std::string_view kind) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  if (address < start) line << start - address << " bytes before";
  else if (address >= start + bytes) line << address - start - bytes << " bytes behind";
  else line << address - start << " bytes inside";
  line << " the " << kind << " of " << bytes << " bytes at ";
  line.hex(start);
}

MisuseLine double_free(const char* caller, const void* p, std::string_view kind) {
  MisuseLine line;
  line << caller << ": ";
  add_double_free(line, p, nullptr, kind);
  return line;
}

MisuseLine invalid_pointer(const char* caller, const void* p) {
  MisuseLine line;
  line << caller << ": ";
  add_pointer(line, "invalid pointer ", p, "", nullptr);
  return line;
}

MisuseLine not_a_start(const char* caller, const void* p, std::string_view kind) {
  MisuseLine line;
  line << caller << ": ";
  add_not_a_start(line, p, nullptr, kind);
  return line;
}

void add_inside(MisuseLine& line, const void* p, std::uintptr_t start, std::size_t bytes, std::string_view kind) {
  line << " (it lies ";
  add_place(line, p, start, bytes, kind);
  line << ")";
}

}  // namespace ashlar
