// tool, reader: the physical frame behind an address, as far as the kernel reports it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace ashlar::reader {

struct Frame {
  std::string state;         // "resident", "swapped out", "not touched", "unknown"
  std::uint64_t number = 0;  // page frame number; 0 without CAP_SYS_ADMIN
  std::string flags;         // of /proc/kpageflags, as names; empty if that may not be read
};

// Reads /proc/PID/pagemap and /proc/kpageflags (Documentation/admin-guide/mm/pagemap.rst).
Frame frame_of(pid_t pid, std::uint64_t address);

}  // namespace ashlar::reader
