// tool, reader: which function of a file on disk an offset lies in, by the file's ELF symbol table (elf(5)).
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

// Looks up offsets in a file. The names stay empty where no ELF file of 64 bits is there, or it has no symbols. The
// file is not trusted: at most 4 million symbols are held, and names are cut off at 1000 bytes.
FileNames names_in_file(const std::string& path, const std::vector<std::uint64_t>& offsets);

}  // namespace ashlar::reader
