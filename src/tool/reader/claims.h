// tool, reader, private: which memory of the process was read as an entry of a table already. A process may write what
// it likes into its tables; what bounds the reader's memory is that each entry is memory of its own there.
#pragma once

#include <cstdint>
#include <iterator>
#include <map>

namespace ashlar::reader {

class Claims {
 public:
  // Claims [start, start + bytes); false, and nothing is claimed, if a part of it was claimed before.
  bool claim(std::uint64_t start, std::uint64_t bytes) {
    if (bytes == 0 || start + bytes < start) return false;
    const auto next = ends_.lower_bound(start);
    if (next != ends_.end() && next->first < start + bytes) return false;
    if (next != ends_.begin() && std::prev(next)->second > start) return false;
    ends_.emplace_hint(next, start, start + bytes);
    return true;
  }

 private:
  std::map<std::uint64_t, std::uint64_t> ends_;  // by start
};

}  // namespace ashlar::reader
