// tool: the addresses of a profile with the names of their functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tool/profile_file.h"

namespace ashlar::tool {

// A place in code that stacks refer to.
struct Location {
  std::uint64_t address = 0;  // within the call: a return address less one
  std::size_t mapping = 0;    // an index into Profile::mappings, or their number if no mapping has the address
  std::size_t function = 0;   // an index into Names::functions
};

struct Names {
  std::vector<Location> locations;     // by address
  std::vector<std::string> functions;  // names, each once, without control characters
  std::vector<std::string> build_ids;  // of each mapping, or empty
  std::vector<bool> named;             // of each mapping: whether its file has names of functions

  // Returns the location of a return address of a stack.
  [[nodiscard]] std::size_t location_of(std::uint64_t return_address) const;
  [[nodiscard]] std::size_t function_of(std::uint64_t return_address) const {
    return locations[location_of(return_address)].function;
  }
};

// Looks up all addresses of a profile in the files that were mapped. An address without a name becomes FILE+0xOFFSET,
// one without a file 0xADDRESS.
Names names_of(const Profile& profile);

}  // namespace ashlar::tool
