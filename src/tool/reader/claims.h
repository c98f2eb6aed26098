// tool, reader, private: which memory of the process has been read as an entry of a table. A process may write anything
// into its tables. The reader's memory is bounded because no byte of the process is accepted in two entries.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>

namespace ashlar::reader {

class Claims {
 public:
  // Claims [start, start + bytes). Returns false and claims nothing if a part of it was claimed before.
  bool claim(std::uint64_t start, std::uint64_t bytes) {
    if (bytes == 0 || start + bytes < start) return false;
    const auto next = ends_.lower_bound(start);
    if (next != ends_.end() && next->first < start + bytes) return false;
    if (next != ends_.begin() && std::prev(next)->second > start) return false;
    ends_.emplace_hint(next, start, start + bytes);
    return true;
  }

  // Claims the parts of [start, end) that were not claimed before, and calls each(start, end) with them in ascending
  // order.
  template <class Each>
  void claim_rest(std::uint64_t start, std::uint64_t end, Each each) {
    while (start < end) {
      const auto next = ends_.upper_bound(start);
      if (next != ends_.begin() && std::prev(next)->second > start) {
        start = std::prev(next)->second;
        continue;
      }
      const std::uint64_t stop = next == ends_.end() ? end : std::min(end, next->first);
      ends_.emplace_hint(next, start, stop);
      each(start, stop);
      start = stop;
    }
  }

 private:
  std::map<std::uint64_t, std::uint64_t> ends_;  // by start
};

}  // namespace ashlar::reader
