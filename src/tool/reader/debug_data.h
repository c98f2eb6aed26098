// tool, reader, private: the section .gnu_debugdata of a stripped file ("MiniDebugInfo"): another ELF file, packed by
// xz, with the symbols of the functions that .dynsym leaves out. Fedora's packages have it. It needs liblzma.
#pragma once

#include <cstdint>

#include "tool/reader/file.h"

namespace ashlar::reader {

// Returns whether the reader was built with liblzma.
bool can_unpack();

// Returns a file in memory with what is packed at an offset of another file. None if the data are damaged, if they need
// more than 128 MiB to unpack or have more than 64 MiB when unpacked, or without liblzma.
File unpacked(const File& from, std::uint64_t offset, std::uint64_t bytes);

}  // namespace ashlar::reader
