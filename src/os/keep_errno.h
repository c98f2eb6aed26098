// os, private: the functions of this layer keep errno.
#pragma once

#include <cerrno>

namespace ashlar::os {

// Restores errno at the end of a scope.
class KeepErrno {
 public:
  [[gnu::always_inline]] KeepErrno() : saved_(errno) {}
  [[gnu::always_inline]] ~KeepErrno() { errno = saved_; }
  KeepErrno(const KeepErrno&) = delete;
  KeepErrno& operator=(const KeepErrno&) = delete;

 private:
  int saved_;
};

}  // namespace ashlar::os
