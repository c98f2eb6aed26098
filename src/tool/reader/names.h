// tool, reader: finds the function at an offset of a file on disk, by the ELF symbol table (elf(5)) of the file, or of
// its debug file where the file was stripped.
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
  // For each offset its address, as the file's segments have it; 0 where none has it. And the file with the names.
  std::vector<std::uint64_t> addresses;
  std::string debug_file;
  // Whether that file has DWARF data, and whether it has names that a build without liblzma does not read.
  bool has_dwarf = false, is_packed = false;
};

// Returns a symbol's name demangled, cut off at 1000 bytes and without control characters.
std::string shown_name(const std::string& name);

// Looks up offsets in the file ROOT/PATH. The names stay empty if it is not a 64-bit ELF file, or has no symbols. A
// debug file has the same build id and, like for gdb, one of these names:
//
//   ROOT/usr/lib/debug/.build-id/ab/cdef.debug     also without ROOT
//   DIRECTORY/LINK, DIRECTORY/.debug/LINK, ROOT/usr/lib/debug/DIRECTORY/LINK      LINK is in the section .gnu_debuglink
//
// A stripped file without one may have the names of its functions in the section .gnu_debugdata (debug_data.h).
//
// The files are not trusted: at most 4 million symbols are held, and names are cut off at 1000 bytes.
FileNames names_in_file(const std::string& root, const std::string& path, const std::vector<std::uint64_t>& offsets);

}  // namespace ashlar::reader
