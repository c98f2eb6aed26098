// The size of the process's address space, read without a heap: a buffer that the C library's heap grows for, or gives
// pages back after, would itself be part of what is measured.
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

namespace ashlar_test {

// Returns the first number of /proc/self/statm, in pages, or 0 if it cannot be read.
inline unsigned long address_space_pages() {
  const int statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  char line[128] = {};
  const bool is_read = statm >= 0 && read(statm, line, sizeof line - 1) > 0;
  if (statm >= 0) close(statm);
  return is_read ? strtoul(line, nullptr, 10) : 0;
}

}  // namespace ashlar_test
