// tool, reader: finds the function at an offset of a file on disk, by the file's ELF symbol table (elf(5)).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ashlar::reader {

struct FileNames {
  // For each offset the function's name, demangled, or empty. A name holds no control characters.
  std::vector<std::string> names;
  // GNU build id in hexadecimal, or empty.
  std::string build_id;
};

// Looks up offsets in a file. The names stay empty if it is not a 64-bit ELF file, or has no symbols. The file is not
// trusted: at most 4 million symbols are held, and names are cut off at 1000 bytes.
FileNames names_in_file(const std::string& path, const std::vector<std::uint64_t>& offsets);

}  // namespace ashlar::reader
