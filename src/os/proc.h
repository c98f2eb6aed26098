// os, private: small files of /proc and /sys read whole into a fixed buffer.
//
// Defined in lines.cc, cgroup.cc, numa.cc and process.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ashlar::os {

// Reads up to `size` bytes of a file; an empty view if it cannot be read. A procfs or sysfs file is read in one
// piece.
std::string_view read_small_file(const char* path, char* buffer, std::size_t size);

// Reads a file line by line, however long it is, with little of the caller's stack. A file that cannot be read has no
// lines.
class LineReader {
 public:
  explicit LineReader(const char* path);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // Copies the next line without its end, as much of it as fits; false when there is none.
  bool next(char* buffer, std::size_t size, std::string_view& line);

 private:
  bool fill();

  int file_;
  std::size_t at_ = 0, filled_ = 0;
  char chunk_[64];
};

// Where messages go: stderr, or its copy after the program closed it; -1 where there is neither.
int error_file();

// Leading decimal digits as a number; false if there are none.
bool parse_decimal(std::string_view text, std::size_t& out);

// The numbers of a list like "0-3,8", as sysfs has it, at most `max`. How many; what cannot be read ends the list.
unsigned parse_node_list(std::string_view text, std::uint16_t* numbers, unsigned max);

}  // namespace ashlar::os
