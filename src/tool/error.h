// tool: how the ashlar command fails. Every failure is one line on stderr and an exit code of its own (ashlar(1)).
#pragma once

#include <stdexcept>
#include <string>

namespace ashlar::tool {

// Documented in man/ashlar.1, section EXIT STATUS. The meaning of a number never changes.
enum class Exit : int {
  kOk = 0,
  kFailed = 1,           // any other failure, for instance a file that cannot be written
  kUsage = 2,            // the command line is wrong
  kNoProcess = 3,        // there is no such process
  kNotPermitted = 4,     // it may not be read (ptrace(2), "ptrace access mode checking")
  kNoAshlar = 5,         // Ashlar is not loaded in it
  kVersion = 6,          // its Ashlar, or the profile, has another format than this command reads
  kGone = 7,             // it ended while it was read
  kBadCore = 8,          // no core file, or a damaged one
  kBadProfile = 9,       // no profile, or a damaged one
  kNoAnswer = 10,        // it does not answer a request
  kRefused = 11,         // it refuses a request
  kBusy = 12,            // another command is sending it a request
  kBadTrace = 13,        // no trace, or a damaged one
  kLibrary = 125,        // run: libashlar.so cannot be found or used
  kNotExecutable = 126,  // run: the program is there but cannot be executed
  kNotFound = 127,       // run: there is no such program
};

// main prints "ashlar: WHAT" and exits with the code.
class Failure : public std::runtime_error {
 public:
  Failure(Exit code, const std::string& what) : std::runtime_error(what), code_(code) {}
  [[nodiscard]] Exit code() const { return code_; }

 private:
  Exit code_;
};

}  // namespace ashlar::tool
