// os, private: what encrypted_file.cc, mapped_file.cc and swap_file.cc share.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "os/os.h"

namespace ashlar::os {

// Restores errno at the end of a scope, in which a function takes its result from it.
class Result {
 public:
  Result() = default;
  ~Result() { errno = saved_; }
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;

 private:
  int saved_ = errno;
};

// Opens a file like openat(2) with O_CLOEXEC and O_NOFOLLOW. Repeats the call after a signal.
int open_file(const char* path, int flags);

// Makes a file without a name that the kernel encrypts with a random key, which goes with the file: in a folder, or in
// the folder of a file that is not there. Returns a descriptor, or a negative errno: EOPNOTSUPP where the file system
// cannot, or the folder is encrypted with a key of its own.
int open_encrypted(const char* path);

// Reads the numbers of an open file. Returns 0, or an errno.
int identify(int file, FileId& id);

// Returns whether the file may grow to `end`. Beyond RLIMIT_FSIZE a signal would end the program.
bool is_within_limit(std::uint64_t end);

// Like posix_fallocate(3): where the file system cannot reserve, zeros are written. Returns 0, or an errno.
int reserve_room(int file, std::uint64_t offset, std::size_t bytes);

}  // namespace ashlar::os
