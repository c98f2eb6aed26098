// os, private: the signals of writes that fail. A pipe without readers raises SIGPIPE, and a file at its limit
// (RLIMIT_FSIZE) SIGXFSZ. Both end a program that has not chosen another action. No message or report is worth that.
#pragma once

#include <cstdint>

namespace ashlar::os {

// Blocks both signals of the calling thread for a scope. Keeps errno. Has no effect under mmap_only.
class [[nodiscard]] WriteSignals {
 public:
  WriteSignals();
  ~WriteSignals();
  WriteSignals(const WriteSignals&) = delete;
  WriteSignals& operator=(const WriteSignals&) = delete;

  // After a write that failed: takes back the signal that it raised, if that would end the program. A signal that the
  // program blocks or handles itself is left to it.
  void note(int error);

 private:
  std::uint64_t before_ = 0;  // the thread's mask
};

}  // namespace ashlar::os
