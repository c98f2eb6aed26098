// os, private: reads small files of /proc and /sys into a fixed buffer.
//
// Defined in lines.cc, cgroup.cc, numa.cc and process.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ashlar::os {

// Reads up to `size` bytes of a file. Returns an empty view if it cannot be read. A file of procfs or sysfs is read
// with one call.
std::string_view read_small_file(const char* path, char* buffer, std::size_t size);

// Reads a file of any length line by line, with little of the caller's stack. A file that cannot be read has no lines.
class LineReader {
 public:
  explicit LineReader(const char* path);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // Copies the next line without its end, cut to `size`. Returns false when there is none.
  bool next(char* buffer, std::size_t size, std::string_view& line);

 private:
  bool fill();

  int file_;
  std::size_t at_ = 0, filled_ = 0;
  char chunk_[64];
};

// Returns where messages go: stderr, or its copy after the program closed it, or -1 where there is neither.
int error_file();

// Parses leading decimal digits. Returns false if there are none.
bool parse_decimal(std::string_view text, std::size_t& out);

// Parses a list of numbers such as "0-3,8" in sysfs. Returns how many were stored, at most `max`. The first invalid
// character ends the list.
unsigned parse_node_list(std::string_view text, std::uint16_t* numbers, unsigned max);

}  // namespace ashlar::os
