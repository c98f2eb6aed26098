// tool, reader, private: which pages of a process are resident, from /proc/PID/pagemap: by its PAGEMAP_SCAN call where
// the kernel has it (6.7), which names the page of zeros, else by its entries.
#pragma once

#include <vector>

#include "tool/reader/file.h"
#include "tool/reader/source.h"

namespace ashlar::reader {

class Pagemap {
 public:
  Pagemap() = default;
  explicit Pagemap(pid_t pid);

  // Appends the stretches of a range; false if the kernel does not tell.
  bool stretches(Range range, std::vector<PageStretch>& into);

 private:
  bool scan(Range range, std::vector<PageStretch>& into);
  bool entries(Range range, std::vector<PageStretch>& into);

  File file_;
  bool can_scan_ = true;
};

}  // namespace ashlar::reader
