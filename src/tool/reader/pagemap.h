// tool, reader, private: which pages of a process are resident, from /proc/PID/pagemap. Uses its PAGEMAP_SCAN call if
// the kernel has it (6.7), as that tells the page of zeros apart, and otherwise reads its entries.
#pragma once

#include <vector>

#include "tool/reader/file.h"
#include "tool/reader/source.h"

namespace ashlar::reader {

class Pagemap {
 public:
  Pagemap() = default;
  explicit Pagemap(pid_t pid);

  // Appends the stretches of a range. Returns false if the kernel does not report them.
  bool stretches(Range range, std::vector<PageStretch>& into);

 private:
  bool scan(Range range, std::vector<PageStretch>& into);
  bool entries(Range range, std::vector<PageStretch>& into);

  File file_;
  bool can_scan_ = true;
};

}  // namespace ashlar::reader
