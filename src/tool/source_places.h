// tool: where code comes from, by the DWARF data of an ELF file: the functions that a compiler inlined there, and
// lines. It needs libdw (elfutils); without it nothing is found.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ashlar::tool {

struct SourcePlace {
  std::string function;  // demangled, without control characters
  std::string file;      // the same, or empty
  std::uint32_t line = 0;
};

// Returns whether the command was built with libdw.
bool finds_places();

// Looks up addresses, as the file's segments have them. Returns the places of each, the innermost first. The last one
// is of the function that was not inlined. None where the file has no data about an address.
//
// The file is not trusted: a child of the command reads it, with 20 s of processor time and 4 GiB of address space.
std::vector<std::vector<SourcePlace>> places_in_file(const std::string& path,
                                                     const std::vector<std::uint64_t>& addresses);

}  // namespace ashlar::tool
