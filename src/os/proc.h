// os, private: small files of /proc and /sys read whole into a fixed buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ashlar::os {

// Reads up to `size` bytes of a file; an empty view if it cannot be read. A procfs or sysfs file is read in one
// piece.
std::string_view read_small_file(const char* path, char* buffer, std::size_t size);

// Leading decimal digits as a number; false if there are none.
bool parse_decimal(std::string_view text, std::size_t& out);

// The numbers of a list like "0-3,8", as sysfs has it, at most `most`. How many; what cannot be read ends the list.
unsigned parse_node_list(std::string_view text, std::uint16_t* numbers, unsigned most);

}  // namespace ashlar::os
