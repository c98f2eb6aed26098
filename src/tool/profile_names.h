// tool: the addresses of a profile with the names of their functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tool/profile_file.h"

namespace ashlar::tool {

// A function at a place in code, and the line there; 0 if that is not known.
struct NamedPlace {
  std::size_t function = 0;  // an index into Names::functions
  std::uint32_t line = 0;
};

// A place in code that stacks refer to.
struct Location {
  std::uint64_t address = 0;  // within the call: a return address less one
  std::size_t mapping = 0;    // an index into Profile::mappings, or their number if no mapping has the address
  // The functions that the compiler inlined there, the innermost first, and the one that holds the code.
  std::vector<NamedPlace> places;
};

struct Names {
  std::vector<Location> locations;     // by address
  std::vector<std::string> functions;  // names, each once, without control characters
  std::vector<std::string> sources;    // the file of each, or empty
  std::vector<std::string> build_ids;  // of each mapping, or empty
  std::vector<bool> named;             // of each mapping: whether its file has names of functions
  // Libraries whose lack in this build left out names that the files have, with what is lacking.
  bool lacks_libdw = false, lacks_liblzma = false;

  // Returns the location of a return address of a stack.
  [[nodiscard]] std::size_t location_of(std::uint64_t return_address) const;
  // Returns the names of a stack's functions, the innermost first.
  [[nodiscard]] std::vector<std::string> functions_of(const std::vector<std::uint64_t>& stack) const;
};

// Looks up all addresses of a profile in the files that were mapped, and then in the one with the code that the process
// compiled (perf_map.h). An address without a name becomes FILE+0xOFFSET, one without a file 0xADDRESS.
// Functions that the compiler inlined are looked up as well, which takes seconds in a large program.
Names names_of(const Profile& profile);

}  // namespace ashlar::tool
