// os, private: what mapped_file.cc and swap_file.cc share.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "os/os.h"

namespace ashlar::os {

// Restores errno for the program; what it was meanwhile is the result.
class Result {
 public:
  Result() = default;
  ~Result() { errno = saved_; }
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;

 private:
  int saved_ = errno;
};

// openat(2) with O_CLOEXEC and O_NOFOLLOW, again after a signal.
int open_file(const char* path, int flags);

// The numbers of an open file: 0, or an errno.
int identify(int file, FileId& id);

// False where a file that grows to `end` would send a signal that ends the program (RLIMIT_FSIZE).
bool is_within_limit(std::uint64_t end);

// As posix_fallocate(3): where the file system cannot reserve, zeros are written. 0, or an errno.
int reserve_room(int file, std::uint64_t offset, std::size_t bytes);

}  // namespace ashlar::os
